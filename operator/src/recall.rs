//! The last good content of objects that a replica has never seen valid: proxies have it, and statuses say what it was.
//! Pure: what is shown and what proxies tell is given.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use config::delivery::Recalled as Told;
use config::{
    Compiled, Diagnostics, Entry, EntryId, GatewayId, Hash, HashKey, ObjectId, Recalled, Secret, SecretId,
};
use kube::core::DynamicObject;
use serde_json::Value;

use crate::delivery::fleet::Time;

/// How long a leader that lacks something waits for a proxy that has it.
const PATIENCE: Duration = Duration::from_secs(15);
/// The kinds whose last good content is served and can be compiled again.
const KINDS: [&str; 3] = ["Model", "ModelProvider", "Tenant"];

/// What is looked for, at each gateway.
#[derive(Debug, PartialEq)]
pub(crate) struct Recall {
    lost: BTreeMap<GatewayId, BTreeMap<EntryId, Lost>>,
    until: Time,
}

/// Content that was served and is not known here.
#[derive(Clone, Debug, PartialEq)]
struct Lost {
    id: ObjectId,
    hash: Hash,
    /// The spec of the object at present.
    present: Value,
}

/// Content that a proxy has given back, and that is what was served.
#[derive(Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) gateway: GatewayId,
    pub(crate) id: ObjectId,
    pub(crate) generation: i64,
    pub(crate) content: Recalled,
    pub(crate) secrets: BTreeMap<SecretId, Secret>,
}

impl Recall {
    /// What statuses say is served and `compiled` does not have. `None` if it has everything.
    pub(crate) fn of(
        compiled: &Compiled,
        shown: &BTreeMap<ObjectId, Arc<DynamicObject>>,
        (is_paused, now): (&dyn Fn(&GatewayId) -> bool, Time),
    ) -> Option<Self> {
        let mut lost: BTreeMap<GatewayId, BTreeMap<EntryId, Lost>> = BTreeMap::new();
        for (id, about) in compiled.diagnostics.iter().filter(|(id, _)| KINDS.contains(&id.kind.as_str())) {
            let Some(object) = shown.get(id) else { continue };
            let Some(hash) = served(object) else { continue };
            if about.gateways.values().any(|at| at.serving.is_some_and(|serving| serving.hash == hash)) {
                continue;
            }
            for gateway in meant(object, id, compiled).into_iter().filter(|at| lacks(about, at, is_paused)) {
                let present = object.data["spec"].clone();
                let one = Lost { id: id.clone(), hash, present };
                lost.entry(gateway).or_default().insert(EntryId::of(id), one);
            }
        }
        (!lost.is_empty()).then(|| Self { lost, until: now + PATIENCE })
    }

    /// The entries to ask for.
    pub(crate) fn asked(&self) -> impl Iterator<Item = (&GatewayId, BTreeSet<EntryId>)> {
        self.lost.iter().map(|(gateway, lost)| (gateway, lost.keys().cloned().collect()))
    }

    /// Takes what a proxy tells: all that is what was served, by its hash; secrets by theirs.
    pub(crate) fn take(&mut self, gateway: &GatewayId, told: Told, hash_key: &HashKey) -> Vec<Found> {
        let Some(lost) = self.lost.get_mut(gateway) else { return Vec::new() };
        let secrets: BTreeMap<SecretId, Secret> =
            told.secrets.iter().filter_map(|value| Some((value.id.clone(), value.secret()?))).collect();
        let mut found = Vec::new();
        for entry in told.entries {
            let entry = Entry::new(entry.id, entry.generation, entry.spec);
            if lost.get(&entry.id).is_none_or(|one| one.hash != entry.hash) {
                continue;
            }
            let secret =
                entry.credential().and_then(|(id, hash)| Some((id.clone(), secrets.get(id)?.clone(), hash)));
            let secret =
                secret.filter(|(_, value, hash)| Hash::keyed(hash_key, value.expose().as_bytes()) == *hash);
            let Some(Lost { id, present, .. }) = lost.remove(&entry.id) else { continue };
            found.push(Found {
                gateway: gateway.clone(),
                id,
                generation: entry.generation,
                content: Recalled::new(entry.spec, gateway, &present),
                secrets: secret.into_iter().map(|(id, value, _)| (id, value)).collect(),
            });
        }
        self.lost.retain(|_, lost| !lost.is_empty());
        found
    }

    /// True if there is nothing more to wait for.
    pub(crate) fn is_over(&self, now: Time) -> bool {
        self.lost.is_empty() || now >= self.until
    }

    /// What nobody has given back.
    pub(crate) fn missing(&self) -> usize {
        self.lost.values().map(BTreeMap::len).sum()
    }
}

/// The hash of what proxies serve of an object, by its status.
fn served(object: &DynamicObject) -> Option<Hash> {
    object.data["status"]["effective"]["contentHash"].as_str()?.parse().ok()
}

/// The gateways that an object is meant for, as far as that can be read.
fn meant(object: &DynamicObject, id: &ObjectId, compiled: &Compiled) -> Vec<GatewayId> {
    let named = object.data["spec"]["gatewayRefs"].as_array().map(|refs| {
        let gateway = |one: &Value| {
            let namespace = one["namespace"].as_str().unwrap_or(&id.namespace);
            Some(GatewayId::new(namespace, one["name"].as_str()?))
        };
        refs.iter().filter_map(gateway).collect::<BTreeSet<_>>()
    });
    let is_meant = |gateway: &&GatewayId| match &named {
        Some(named) => named.contains(*gateway),
        None => gateway.namespace() == id.namespace,
    };
    compiled.snapshots.keys().filter(is_meant).cloned().collect()
}

/// Tells whether a gateway may serve the object and lacks its content, or a credential of it. At a paused one what is served is
/// older than what there is.
fn lacks(about: &Diagnostics, gateway: &GatewayId, is_paused: &dyn Fn(&GatewayId) -> bool) -> bool {
    let Some(attachment) = about.gateways.get(gateway) else { return true };
    let is_troubled = !attachment.problems.is_empty() || is_paused(gateway);
    !attachment.is_refused() && (attachment.serving.is_none() || is_troubled)
}

#[cfg(test)]
mod tests;
