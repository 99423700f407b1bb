//! The values of Secrets that objects name, fetched one by one; of all others only names and versions are seen.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use config::{ObjectId, Secret};
use k8s_openapi::api::core::v1::Secret as Resource;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::Event;
use kube::{Api, Client};
use tokio::time::timeout;
use tracing::warn;

const PATIENCE: Duration = Duration::from_secs(5);

/// What is known of Secrets.
#[derive(Default)]
pub(crate) struct Secrets {
    /// The version of every Secret there is.
    versions: BTreeMap<ObjectId, String>,
    /// The values of those that are wanted, with the version that they come from.
    values: BTreeMap<ObjectId, Fetched>,
    /// While a list goes on, what it has shown so far.
    listing: Option<BTreeSet<ObjectId>>,
    is_listed: bool,
}

struct Fetched {
    version: String,
    values: BTreeMap<String, Secret>,
}

impl Secrets {
    pub(crate) fn is_listed(&self) -> bool {
        self.is_listed
    }

    /// Takes in what the watch shows. True if it concerns a Secret that is `wanted`.
    pub(crate) fn apply(
        &mut self,
        event: Event<PartialObjectMeta<Resource>>,
        wanted: &BTreeSet<ObjectId>,
    ) -> bool {
        let concerned = match event {
            Event::Init => {
                self.listing = Some(BTreeSet::new());
                None
            }
            Event::InitApply(secret) => {
                let id = self.note(&secret);
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
            Event::Apply(secret) => self.note(&secret),
            Event::Delete(secret) => {
                let id = id(&secret);
                id.inspect(|id| drop(self.versions.remove(id)))
            }
        };
        concerned.is_some_and(|id| wanted.contains(&id))
    }

    /// Fetches what is wanted and not known in its present version. One that cannot be fetched keeps the value it had.
    pub(crate) async fn gather(&mut self, client: &Client, wanted: &BTreeSet<ObjectId>) {
        self.values.retain(|id, _| wanted.contains(id) && self.versions.contains_key(id));
        for id in wanted {
            let Some(version) = self.versions.get(id) else { continue };
            if self.values.get(id).is_some_and(|known| known.version == *version) {
                continue;
            }
            let api: Api<Resource> = Api::namespaced(client.clone(), &id.namespace);
            match timeout(PATIENCE, api.get_opt(&id.name)).await {
                Ok(Ok(Some(secret))) => drop(self.values.insert(id.clone(), fetched(secret))),
                Ok(Ok(None)) => drop(self.values.remove(id)),
                Ok(Err(error)) => warn!(secret = %id, %error, "Cannot fetch a Secret"),
                Err(_) => warn!(secret = %id, "Fetching a Secret takes too long"),
            }
        }
    }

    /// The values for the compiler.
    pub(crate) fn world(&self) -> BTreeMap<ObjectId, BTreeMap<String, Secret>> {
        self.values.iter().map(|(id, known)| (id.clone(), known.values.clone())).collect()
    }

    fn note(&mut self, secret: &PartialObjectMeta<Resource>) -> Option<ObjectId> {
        let id = id(secret)?;
        let version = secret.metadata.resource_version.clone().unwrap_or_default();
        self.versions.insert(id.clone(), version);
        Some(id)
    }
}

fn id(secret: &PartialObjectMeta<Resource>) -> Option<ObjectId> {
    let (namespace, name) = (secret.metadata.namespace.as_deref()?, secret.metadata.name.as_deref()?);
    Some(ObjectId::new("Secret", namespace, name))
}

fn fetched(secret: Resource) -> Fetched {
    let version = secret.metadata.resource_version.unwrap_or_default();
    let data = secret.data.unwrap_or_default().into_iter();
    let values = data.filter_map(|(key, bytes)| Some((key, Secret::new(String::from_utf8(bytes.0).ok()?))));
    Fetched { version, values: values.collect() }
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
