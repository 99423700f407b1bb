//! What the watches have shown of the cluster so far.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash as Hashed;
use std::sync::Arc;

use config::{GatewayId, Grant, ObjectId, Schemas, World};
use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt;
use kube::core::{DynamicObject, PartialObjectMeta};
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{Lookup, ObjectRef};
use kube::runtime::watcher::Event;

use crate::guard::Marks;
use crate::secrets::Secrets;
use crate::watch::{Seen, resource};

/// On a gateway: `true` stops publishing to it.
pub(crate) const PAUSE: &str = "fairlead.dev/pause";
/// On a gateway: the token of a removal that may go out.
pub(crate) const ALLOW_REMOVAL: &str = "fairlead.dev/allow-removal";

/// What the watches have shown so far.
pub(crate) struct Cluster {
    schemas: Schemas,
    kinds: BTreeMap<&'static str, Watched<DynamicObject>>,
    namespaces: Watched<PartialObjectMeta<Namespace>>,
    grants: BTreeMap<ObjectId, Grant>,
    pub(crate) secrets: Secrets,
    /// The Secrets that objects name.
    pub(crate) wanted: BTreeSet<ObjectId>,
    /// The objects as they were compiled last, each with what it was read from.
    objects: BTreeMap<ObjectId, (Arc<DynamicObject>, Arc<config::Object>)>,
}

/// What follows from something that a watch shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    Nothing,
    /// Statuses may have to be written again.
    Statuses,
    /// Something else may be compiled.
    Compile,
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

impl Watched<DynamicObject> {
    fn get(&self, id: &ObjectId) -> Option<Arc<DynamicObject>> {
        let kind = crds::KINDS.iter().find(|kind| kind.name == id.kind)?;
        self.writer.as_reader().get(&ObjectRef::new_with(&id.name, resource(kind)).within(&id.namespace))
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
            objects: BTreeMap::new(),
        }
    }

    /// Takes in what a watch shows.
    pub(crate) fn apply(&mut self, seen: Seen) -> Effect {
        let compiles = match seen {
            Seen::Object(kind, event) => return self.object_shown(kind, &event),
            Seen::Namespace(event) => {
                let before = (self.labels(), self.staying());
                self.namespaces.apply(&event);
                matches!(event, Event::InitDone) || before != (self.labels(), self.staying())
            }
            Seen::Secret(event) => self.secrets.apply(event, &self.wanted),
            Seen::Grant(event) => self.grant(event),
        };
        if compiles { Effect::Compile } else { Effect::Nothing }
    }

    fn object_shown(&mut self, kind: &'static str, event: &Event<DynamicObject>) -> Effect {
        let Some(watched) = self.kinds.get_mut(kind) else { return Effect::Nothing };
        watched.apply(event);
        match event {
            Event::Init => Effect::Nothing,
            Event::Apply(object) | Event::InitApply(object) => {
                let before = id(kind, object).and_then(|id| self.objects.get_mut(&id));
                let Some((before, _)) = before.filter(|(before, _)| !is_changed(before, object)) else {
                    return Effect::Compile;
                };
                // Kept once: what the watch shows from now on stands for what was compiled.
                if let Some(shown) = id(kind, object).and_then(|id| watched.get(&id)) {
                    *before = shown;
                }
                Effect::Statuses
            }
            Event::InitDone | Event::Delete(_) => Effect::Compile,
        }
    }

    /// Lists the kinds whose objects are not known yet.
    pub(crate) fn unlisted(&self) -> Vec<&'static str> {
        let kinds = self.kinds.iter().map(|(name, watched)| (*name, watched.is_listed));
        let others = [("Namespace", self.namespaces.is_listed), ("Secret", self.secrets.is_listed())];
        kinds.chain(others).filter(|(_, is_listed)| !is_listed).map(|(name, _)| name).collect()
    }

    /// What is to be compiled, with the secrets that have been fetched.
    pub(crate) fn world(&mut self) -> World {
        self.read();
        World {
            objects: self.objects.values().map(|(_, object)| Arc::clone(object)).collect(),
            secrets: self.secrets.world(),
            grants: self.grants.values().cloned().collect(),
            namespaces: self.labels(),
            needs_gateway: true,
            ..World::default()
        }
    }

    /// Every object, as the watch shows it.
    pub(crate) fn by_id(&self) -> BTreeMap<ObjectId, Arc<DynamicObject>> {
        self.shown().filter_map(|(kind, object)| Some((id(kind, &object)?, object))).collect()
    }

    /// An object as the watch shows it.
    pub(crate) fn object(&self, id: &ObjectId) -> Option<Arc<DynamicObject>> {
        self.kinds.get(id.kind.as_str())?.get(id)
    }

    fn shown(&self) -> impl Iterator<Item = (&'static str, Arc<DynamicObject>)> {
        self.kinds.iter().flat_map(|(kind, watched)| {
            watched.writer.as_reader().state().into_iter().map(move |object| (*kind, object))
        })
    }

    /// Reads the objects that are new or have changed.
    fn read(&mut self) {
        let mut known = std::mem::take(&mut self.objects);
        let shown: Vec<_> = self.shown().collect();
        for (kind, object) in shown {
            let Some(id) = id(kind, &object) else { continue };
            let read = match known.remove(&id) {
                Some((before, read)) if !is_changed(&before, &object) => read,
                _ => {
                    let Ok(document) = serde_json::to_value(&*object) else { continue };
                    Arc::new(self.schemas.stored(id.clone(), &document))
                }
            };
            self.objects.insert(id, (object, read));
        }
    }

    /// What annotations say of gateways, and which namespaces there are.
    pub(crate) fn marks(&self) -> Marks {
        let mut marks = Marks { staying: self.staying(), ..Marks::default() };
        let gateways = self.kinds.get("ResponsesGateway").map(|watched| watched.writer.as_reader().state());
        for gateway in gateways.unwrap_or_default() {
            let Some(object) = id("ResponsesGateway", &gateway) else { continue };
            let id = GatewayId::new(&object.namespace, &object.name);
            if gateway.annotations().get(PAUSE).is_some_and(|value| value == "true") {
                marks.paused.insert(id.clone());
            }
            if let Some(token) = gateway.annotations().get(ALLOW_REMOVAL) {
                marks.allowed.insert(id, token.clone());
            }
        }
        marks
    }

    /// The namespaces that are not in deletion.
    fn staying(&self) -> BTreeSet<String> {
        let namespaces = self.namespaces.writer.as_reader().state();
        let stay = namespaces.iter().filter(|namespace| namespace.metadata.deletion_timestamp.is_none());
        stay.map(|namespace| namespace.name_any()).collect()
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

/// Tells whether an object changed in more than its status.
fn is_changed(before: &DynamicObject, after: &DynamicObject) -> bool {
    let of = |object: &DynamicObject| {
        let about = &object.metadata;
        (about.uid.clone(), about.generation, about.deletion_timestamp.clone())
    };
    let (old, new) = (&before.metadata, &after.metadata);
    let is_other = before.data.get("spec") != after.data.get("spec") || of(before) != of(after);
    is_other || (&old.labels, &old.annotations) != (&new.labels, &new.annotations)
}

fn id(kind: &str, object: &DynamicObject) -> Option<ObjectId> {
    let metadata = &object.metadata;
    Some(ObjectId::new(kind, metadata.namespace.as_deref()?, metadata.name.as_deref()?))
}

#[cfg(test)]
mod tests;
