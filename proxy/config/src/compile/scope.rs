//! What one object sees of the others while it is compiled, and what it has to say about them.

use std::collections::BTreeMap;

use super::admit::Chosen;
use crate::diagnostics::{Condition, Degraded, Diagnostics, Problem, Reason};
use crate::hash::Hash;
use crate::id::{ObjectId, SecretId};
use crate::secret::Secret;
use crate::snapshot::Snapshot;
use crate::world::World;

/// What one object sees of the others while it is compiled.
pub(crate) struct Scope<'a> {
    world: &'a World,
    last: Option<&'a Snapshot>,
    served: &'a BTreeMap<ObjectId, Chosen>,
    secrets: BTreeMap<SecretId, Secret>,
    problems: Vec<Problem>,
    degraded: Option<Degraded>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        world: &'a World,
        last: Option<&'a Snapshot>,
        served: &'a BTreeMap<ObjectId, Chosen>,
    ) -> Self {
        Self { world, last, served, secrets: BTreeMap::new(), problems: Vec::new(), degraded: None }
    }

    /// Tells whether an object is served and admits references from `namespace`.
    ///
    /// Errors: why not. A forbidden object reads like a missing one, so that nobody can probe other namespaces.
    pub(crate) fn reach(&self, id: &ObjectId, namespace: &str) -> Result<(), Reason> {
        match self.served.get(id) {
            Some(chosen) if chosen.resource.admits(&id.namespace, namespace) => Ok(()),
            None if id.namespace == namespace => Err(Reason::ProviderNotFound),
            Some(_) | None => Err(Reason::RefNotPermitted),
        }
    }

    /// Reports a reference at `path` that leads nowhere.
    pub(crate) fn unresolved(&mut self, reason: Reason, path: impl Into<String>, message: String) {
        self.problems.push(Problem {
            condition: Condition::ResolvedRefs,
            reason,
            path: path.into(),
            message,
        });
    }

    /// Reports that less than the object is served.
    pub(crate) fn degrade(&mut self, degraded: Degraded) {
        self.degraded = Some(degraded);
    }

    /// Takes a secret value into the snapshot and returns its keyed hash.
    ///
    /// Where the value is missing, that is reported at `path`, and the last one takes its place if `keep_last`.
    pub(crate) fn secret(&mut self, id: &SecretId, path: &str, keep_last: bool) -> Option<Hash> {
        let value = match self.look_up(id) {
            Ok(value) => value,
            Err((reason, message)) => {
                self.unresolved(reason, path, message);
                let last = self.last.and_then(|last| last.secrets.get(id)).filter(|_| keep_last)?.clone();
                self.degrade(Degraded::ServingLastGood);
                last
            }
        };
        let hash = Hash::keyed(&self.world.hash_key, value.expose().as_bytes());
        self.secrets.insert(id.clone(), value);
        Some(hash)
    }

    fn look_up(&self, id: &SecretId) -> Result<Secret, (Reason, String)> {
        let SecretId { holder, key } = id;
        let values = self.world.secrets.get(holder);
        let values =
            values.ok_or_else(|| (Reason::SecretNotFound, format!("{holder} does not exist: create it")))?;
        let value = values.get(key);
        let value = value
            .ok_or_else(|| (Reason::SecretKeyNotFound, format!("{holder} has no key {key:?}: add it")))?;
        value.for_header().ok_or_else(|| {
            (
                Reason::InvalidSecret,
                format!("{holder}: the value of {key:?} is empty or holds control characters"),
            )
        })
    }

    /// Adds what was found to the diagnostics of the object, and hands over the secrets it uses.
    pub(super) fn conclude(self, about: &mut Diagnostics) -> BTreeMap<SecretId, Secret> {
        about.problems.extend(self.problems);
        about.degraded = about.degraded.or(self.degraded);
        self.secrets
    }
}
