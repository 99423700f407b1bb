//! Objects in, one snapshot per gateway and diagnostics per object out.

mod admit;
mod scope;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use crate::diagnostics::{Diagnostics, Serving};
use crate::hash::Hash;
use crate::id::{EntryId, GatewayId, ObjectId, SecretId};
use crate::kinds;
use crate::secret::Secret;
use crate::snapshot::{Entry, IR, Snapshot};
use crate::spec::Spec;
use crate::world::{Object, World};
pub(crate) use scope::Scope;

/// The result of one compilation.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    /// What each gateway serves.
    pub snapshots: BTreeMap<GatewayId, Arc<Snapshot>>,
    /// What there is to say about each object.
    pub diagnostics: BTreeMap<ObjectId, Diagnostics>,
    /// The objects that are served, each as it was when it was last accepted.
    pub last_good: BTreeMap<ObjectId, Arc<Object>>,
}

impl Compiled {
    /// Returns what the gateway serves that exists where no ResponsesGateway is given.
    #[must_use]
    pub fn implicit(&self) -> Option<&Arc<Snapshot>> {
        self.snapshots.get(&GatewayId::implicit())
    }
}

/// Compiles every object of `world`; `last` is the result before, with the last good content of each object.
///
/// Pure and deterministic: the order of the objects changes nothing. An object that is invalid changes no entry but its
/// own, where its last good content stays, and those that depend on it. Nothing of a deleted object stays.
#[must_use]
pub fn compile(world: &World, last: &Compiled) -> Compiled {
    let admitted = admit::admit(world, last);
    let mut diagnostics = admitted.diagnostics;
    let mut entries = BTreeMap::new();
    let mut secrets = BTreeMap::new();
    for (id, chosen) in &admitted.served {
        let mut scope = Scope::new(world, last.implicit().map(AsRef::as_ref), &admitted.served);
        let spec = chosen.resource.compile(id, &mut scope);
        let entry = entry(id, &chosen.object, spec);
        let about = diagnostics.entry(id.clone()).or_default();
        about.serving = Some(Serving { generation: entry.generation, hash: entry.hash });
        secrets.append(&mut scope.conclude(about));
        entries.insert(entry.id.clone(), Arc::new(entry));
    }
    diagnostics.values_mut().for_each(|about| about.problems.sort());
    let fallback = world.fallback_provider.as_ref().filter(|id| admitted.served.contains_key(id));
    let snapshot = snapshot(entries, secrets, fallback.map(entry_id));
    let last_good = admitted.served.into_iter().map(|(id, chosen)| (id, chosen.object)).collect();
    Compiled { snapshots: [(GatewayId::implicit(), Arc::new(snapshot))].into(), diagnostics, last_good }
}

fn entry_id(id: &ObjectId) -> EntryId {
    kinds::find(&id.kind)
        .map_or_else(|| EntryId::new(&id.kind, &id.namespace, &id.name), |kind| kind.entry(id))
}

fn entry(id: &ObjectId, object: &Object, spec: Spec) -> Entry {
    let id = entry_id(id);
    let hash = Hash::canonical(&json!({"id": id, "spec": spec}));
    Entry { id, generation: object.generation, hash, spec }
}

fn snapshot(
    entries: BTreeMap<EntryId, Arc<Entry>>,
    secrets: BTreeMap<SecretId, Secret>,
    fallback_provider: Option<EntryId>,
) -> Snapshot {
    let mut text = format!("ir {IR}\n");
    for entry in entries.values() {
        text.push_str(&format!("{} {}\n", entry.id, entry.hash));
    }
    if let Some(fallback) = &fallback_provider {
        text.push_str(&format!("fallback {fallback}\n"));
    }
    Snapshot { hash: Hash::of(text.as_bytes()), entries, secrets, fallback_provider }
}
