//! What the watches have shown of the cluster so far.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash as Hashed;

use config::{Grant, ObjectId, Schemas, World};
use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt;
use kube::core::{DynamicObject, PartialObjectMeta};
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{Lookup, ObjectRef};
use kube::runtime::watcher::Event;
use serde_json::Value;

use crate::secrets::Secrets;
use crate::watch::{Seen, resource};

/// What the watches have shown so far.
pub(crate) struct Cluster {
    schemas: Schemas,
    kinds: BTreeMap<&'static str, Watched<DynamicObject>>,
    namespaces: Watched<PartialObjectMeta<Namespace>>,
    grants: BTreeMap<ObjectId, Grant>,
    pub(crate) secrets: Secrets,
    /// The Secrets that objects name.
    pub(crate) wanted: BTreeSet<ObjectId>,
}

struct Watched<K: Lookup + Clone + 'static>
where
    K::DynamicType: Eq + Hashed + Clone,
{
    writer: Writer<K>,
    is_listed: bool,
}

impl<K: Lookup + Clone + 'static> Watched<K>
where
    K::DynamicType: Eq + Hashed + Clone,
{
    fn new(kind: K::DynamicType) -> Self {
        Self { writer: Writer::new(kind), is_listed: false }
    }

    fn apply(&mut self, event: &Event<K>) {
        self.writer.apply_watcher_event(event);
        self.is_listed |= matches!(event, Event::InitDone);
    }
}

impl Cluster {
    pub(crate) fn new() -> Self {
        let kinds = crds::KINDS.iter().map(|kind| (kind.name, Watched::new(resource(kind))));
        Self {
            schemas: Schemas::new(),
            kinds: kinds.collect(),
            namespaces: Watched::new(()),
            grants: BTreeMap::new(),
            secrets: Secrets::default(),
            wanted: BTreeSet::new(),
        }
    }

    /// Takes in what a watch shows. True if it may change what is compiled, or what statuses say.
    pub(crate) fn apply(&mut self, seen: Seen) -> bool {
        match seen {
            Seen::Object(kind, event) => {
                let Some(watched) = self.kinds.get_mut(kind) else { return false };
                watched.apply(&event);
                !matches!(event, Event::Init)
            }
            Seen::Namespace(event) => {
                let before = self.labels();
                self.namespaces.apply(&event);
                matches!(event, Event::InitDone) || before != self.labels()
            }
            Seen::Secret(event) => self.secrets.apply(event, &self.wanted),
            Seen::Grant(event) => self.grant(event),
        }
    }

    /// Lists the kinds whose objects are not known yet.
    pub(crate) fn unlisted(&self) -> Vec<&'static str> {
        let kinds = self.kinds.iter().map(|(name, watched)| (*name, watched.is_listed));
        let others = [("Namespace", self.namespaces.is_listed), ("Secret", self.secrets.is_listed())];
        kinds.chain(others).filter(|(_, is_listed)| !is_listed).map(|(name, _)| name).collect()
    }

    /// What is to be compiled, with the secrets that have been fetched.
    pub(crate) fn world(&self) -> World {
        World {
            objects: self.objects().filter_map(|(kind, object)| self.read(kind, &object)).collect(),
            secrets: self.secrets.world(),
            grants: self.grants.values().cloned().collect(),
            namespaces: self.labels(),
            needs_gateway: true,
            ..World::default()
        }
    }

    /// The status of every object, as the watch shows it.
    pub(crate) fn statuses(&self) -> BTreeMap<ObjectId, Value> {
        let status = |(kind, object): (&str, std::sync::Arc<DynamicObject>)| {
            Some((id(kind, &object)?, object.data.get("status").cloned().unwrap_or_default()))
        };
        self.objects().filter_map(status).collect()
    }

    /// An object as the watch shows it.
    pub(crate) fn object(&self, id: &ObjectId) -> Option<std::sync::Arc<DynamicObject>> {
        let kind = crds::KINDS.iter().find(|kind| kind.name == id.kind)?;
        let reference = ObjectRef::new_with(&id.name, resource(kind)).within(&id.namespace);
        self.kinds.get(kind.name)?.writer.as_reader().get(&reference)
    }

    fn objects(&self) -> impl Iterator<Item = (&'static str, std::sync::Arc<DynamicObject>)> {
        self.kinds.iter().flat_map(|(kind, watched)| {
            watched.writer.as_reader().state().into_iter().map(move |object| (*kind, object))
        })
    }

    fn read(&self, kind: &str, object: &DynamicObject) -> Option<config::Object> {
        Some(self.schemas.stored(id(kind, object)?, &serde_json::to_value(object).ok()?))
    }

    fn labels(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let namespaces = self.namespaces.writer.as_reader().state();
        namespaces.iter().map(|namespace| (namespace.name_any(), namespace.labels().clone())).collect()
    }

    fn grant(&mut self, event: Event<DynamicObject>) -> bool {
        match event {
            Event::Init => {
                self.grants.clear();
                false
            }
            Event::InitApply(grant) | Event::Apply(grant) => {
                let Some(id) = id("ReferenceGrant", &grant) else { return false };
                let document = serde_json::to_value(&grant).unwrap_or_default();
                match Grant::read(&id.namespace, &document) {
                    Ok(grant) => drop(self.grants.insert(id, grant)),
                    Err(_) => drop(self.grants.remove(&id)), // it grants nothing
                }
                true
            }
            Event::InitDone => true,
            Event::Delete(grant) => {
                id("ReferenceGrant", &grant).is_some_and(|id| self.grants.remove(&id).is_some())
            }
        }
    }
}

fn id(kind: &str, object: &DynamicObject) -> Option<ObjectId> {
    let metadata = &object.metadata;
    Some(ObjectId::new(kind, metadata.namespace.as_deref()?, metadata.name.as_deref()?))
}

#[cfg(test)]
mod tests;
