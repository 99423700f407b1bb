//! The values of Secrets and ConfigMaps that objects name, fetched one by one; of all others only names and versions are seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::Duration;

use config::{ObjectId, Secret};
use futures_util::{StreamExt, stream};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{ConfigMap, Secret as Resource};
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::Event;
use kube::{Api, Client};
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use tracing::warn;

const PATIENCE: Duration = Duration::from_secs(5);
/// Fetches that go on at a time.
const AT_ONCE: usize = 16;

/// What is known of Secrets.
pub(crate) type Secrets = Values<Resource>;

/// What is known of ConfigMaps.
pub(crate) type ConfigMaps = Values<ConfigMap>;

/// Objects that hold values by key.
pub(crate) trait Holder:
    kube::Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug
{
    const KIND: &'static str;
    type Value: Clone;

    /// The values that are text.
    fn values(self) -> BTreeMap<String, Self::Value>;
}

/// What is known of the holders of one kind.
pub(crate) struct Values<R: Holder> {
    /// The version of every one there is.
    versions: BTreeMap<ObjectId, String>,
    /// The values of those that are wanted, with the version that they come from.
    values: BTreeMap<ObjectId, Fetched<R::Value>>,
    /// While a list goes on, what it has shown so far.
    listing: Option<BTreeSet<ObjectId>>,
    is_listed: bool,
}

struct Fetched<V> {
    version: String,
    values: BTreeMap<String, V>,
}

impl Holder for Resource {
    const KIND: &'static str = "Secret";
    type Value = Secret;

    fn values(self) -> BTreeMap<String, Secret> {
        let data = self.data.unwrap_or_default().into_iter();
        data.filter_map(|(key, bytes)| Some((key, Secret::new(String::from_utf8(bytes.0).ok()?)))).collect()
    }
}

impl Holder for ConfigMap {
    const KIND: &'static str = "ConfigMap";
    type Value = String;

    fn values(self) -> BTreeMap<String, String> {
        self.data.unwrap_or_default()
    }
}

impl<R: Holder> Default for Values<R> {
    fn default() -> Self {
        Self { versions: BTreeMap::new(), values: BTreeMap::new(), listing: None, is_listed: false }
    }
}

impl<R: Holder> Values<R> {
    pub(crate) fn is_listed(&self) -> bool {
        self.is_listed
    }

    /// Takes in what the watch shows. True if it concerns one that is `wanted`.
    pub(crate) fn apply(&mut self, event: Event<PartialObjectMeta<R>>, wanted: &BTreeSet<ObjectId>) -> bool {
        let concerned = match event {
            Event::Init => {
                self.listing = Some(BTreeSet::new());
                None
            }
            Event::InitApply(holder) => {
                let id = self.note(&holder);
                if let (Some(id), Some(listing)) = (&id, &mut self.listing) {
                    listing.insert(id.clone());
                }
                id
            }
            Event::InitDone => {
                if let Some(listing) = self.listing.take() {
                    self.versions.retain(|id, _| listing.contains(id));
                }
                self.is_listed = true;
                return true;
            }
            Event::Apply(holder) => self.note(&holder),
            Event::Delete(holder) => {
                let id = id(&holder);
                id.inspect(|id| drop(self.versions.remove(id)))
            }
        };
        concerned.is_some_and(|id| wanted.contains(&id))
    }

    /// Fetches what is wanted and not known in its present version. One that cannot be fetched keeps the value it had, and
    /// makes the answer false: it is to be tried again.
    pub(crate) async fn gather(&mut self, client: &Client, wanted: &BTreeSet<ObjectId>) -> bool {
        self.values.retain(|id, _| wanted.contains(id) && self.versions.contains_key(id));
        let is_missing = |id: &&ObjectId| {
            let known = self.values.get(*id).map(|known| &known.version);
            id.kind == R::KIND && self.versions.get(*id).is_some_and(|version| known != Some(version))
        };
        let missing: Vec<ObjectId> = wanted.iter().filter(is_missing).cloned().collect();
        let fetch = |id: ObjectId| async move {
            let api: Api<R> = Api::namespaced(client.clone(), &id.namespace);
            let found = timeout(PATIENCE, api.get_opt(&id.name)).await;
            (id, found)
        };
        let mut answers = stream::iter(missing).map(fetch).buffer_unordered(AT_ONCE);
        let mut is_whole = true;
        while let Some((id, found)) = answers.next().await {
            match found {
                Ok(Ok(Some(holder))) => drop(self.values.insert(id, fetched(holder))),
                Ok(Ok(None)) => drop(self.values.remove(&id)),
                Ok(Err(error)) => {
                    warn!(object = %id, %error, "Cannot fetch values");
                    is_whole = false;
                }
                Err(_) => {
                    warn!(object = %id, "Fetching values takes too long");
                    is_whole = false;
                }
            }
        }
        is_whole
    }

    /// The values for the compiler.
    pub(crate) fn world(&self) -> BTreeMap<ObjectId, BTreeMap<String, R::Value>> {
        self.values.iter().map(|(id, known)| (id.clone(), known.values.clone())).collect()
    }

    fn note(&mut self, holder: &PartialObjectMeta<R>) -> Option<ObjectId> {
        let id = id(holder)?;
        let version = holder.metadata.resource_version.clone().unwrap_or_default();
        self.versions.insert(id.clone(), version);
        Some(id)
    }
}

fn id<R: Holder>(holder: &PartialObjectMeta<R>) -> Option<ObjectId> {
    let (namespace, name) = (holder.metadata.namespace.as_deref()?, holder.metadata.name.as_deref()?);
    Some(ObjectId::new(R::KIND, namespace, name))
}

fn fetched<R: Holder>(holder: R) -> Fetched<R::Value> {
    let version = holder.meta().resource_version.clone().unwrap_or_default();
    Fetched { version, values: holder.values() }
}

#[cfg(test)]
mod tests {
    use kube::core::ObjectMeta;

    use super::*;

    fn secret(name: &str, version: &str) -> PartialObjectMeta<Resource> {
        let metadata = ObjectMeta {
            namespace: Some("a".into()),
            name: Some(name.into()),
            resource_version: Some(version.into()),
            ..ObjectMeta::default()
        };
        PartialObjectMeta { metadata, ..PartialObjectMeta::default() }
    }

    fn named(name: &str) -> ObjectId {
        ObjectId::new("Secret", "a", name)
    }

    #[test]
    fn a_list_replaces_what_was_known() {
        let (mut secrets, none) = (Secrets::default(), BTreeSet::new());
        secrets.apply(Event::Apply(secret("old", "1")), &none);
        for event in [Event::Init, Event::InitApply(secret("new", "2")), Event::InitDone] {
            secrets.apply(event, &none);
        }
        assert_eq!(secrets.versions.keys().collect::<Vec<_>>(), [&named("new")]);
        assert!(secrets.is_listed());
    }

    #[test]
    fn only_secrets_that_objects_name_matter() {
        let (mut secrets, wanted) = (Secrets::default(), BTreeSet::from([named("key")]));
        assert!(secrets.apply(Event::Apply(secret("key", "1")), &wanted));
        assert!(secrets.apply(Event::Delete(secret("key", "1")), &wanted));
        assert!(!secrets.apply(Event::Apply(secret("other", "1")), &wanted));
    }
}
