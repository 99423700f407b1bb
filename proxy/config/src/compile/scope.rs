//! What one object sees of the others while it is compiled, and what it has to say about them.

mod bundle;

use std::collections::BTreeMap;

use crds::model::ModelType;

use super::Compiled;
use super::admit::Admitted;
use super::view::View;
use crate::diagnostics::{Attachment, Condition, Degraded, Problem, Reason};
use crate::hash::Hash;
use crate::id::{GatewayId, ObjectId, SecretId};
use crate::secret::Secret;
use crate::snapshot::Snapshot;
use crate::spec::ClusterKeys;

/// What one object sees of the others of a gateway while it is compiled.
pub(crate) struct Scope<'a> {
    admitted: &'a Admitted<'a>,
    last: Option<&'a Snapshot>,
    /// Values that proxies gave back.
    recalled: Option<&'a BTreeMap<SecretId, Secret>>,
    secrets: BTreeMap<SecretId, Secret>,
    problems: Vec<Problem>,
    degraded: Option<Degraded>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(admitted: &'a Admitted<'a>, gateway: &GatewayId, last: &'a Compiled) -> Self {
        let recalled = last.recalled.get(gateway);
        let last = last.gateway(gateway).map(AsRef::as_ref);
        Self { admitted, last, recalled, secrets: BTreeMap::new(), problems: Vec::new(), degraded: None }
    }

    /// The gateway and its tenants.
    pub(crate) fn view(&self) -> &'a View<'a> {
        &self.admitted.view
    }

    /// Tells whether an object is served and admits references from `asking`, by itself or by a ReferenceGrant.
    ///
    /// Errors: why not. A forbidden object reads like a missing one, so that nobody can probe other namespaces.
    pub(crate) fn reach(&self, id: &ObjectId, asking: &ObjectId) -> Result<(), Reason> {
        let world = self.view().world;
        let labels = world.labels(&asking.namespace);
        match self.admitted.served.get(id) {
            Some(chosen) if chosen.resource.admits(&id.namespace, &asking.namespace, &labels) => Ok(()),
            Some(_) if world.grants((&asking.kind, &asking.namespace), id) => Ok(()),
            None if id.namespace == asking.namespace => Err(Reason::ProviderNotFound),
            Some(_) | None => Err(Reason::RefNotPermitted),
        }
    }

    /// Tells what a served Model does.
    pub(crate) fn model_type(&self, id: &ObjectId) -> Option<ModelType> {
        self.admitted.served.get(id)?.resource.model_type()
    }

    /// Tells whether this gateway serves an object.
    pub(crate) fn serves(&self, id: &ObjectId) -> bool {
        self.admitted.served.contains_key(id)
    }

    /// Tells whether an object is meant for this gateway, or for none at all.
    pub(crate) fn should_serve(&self, id: &ObjectId) -> bool {
        self.admitted.map.through(id).is_none_or(|gateways| gateways.contains(self.view().gateway()))
    }

    /// Tells whether a ReferenceGrant permits `asking` to refer to an object of another namespace.
    pub(crate) fn is_granted(&self, id: &ObjectId, asking: &ObjectId) -> bool {
        self.view().world.grants((&asking.kind, &asking.namespace), id)
    }

    /// Returns the public keys of the cluster.
    pub(crate) fn cluster_keys(&self) -> Option<ClusterKeys> {
        self.admitted.view.world.cluster_keys.clone()
    }

    /// Reports a reference at `path` that leads nowhere.
    pub(crate) fn unresolved(&mut self, reason: Reason, path: impl Into<String>, message: String) {
        let condition = Condition::ResolvedRefs;
        self.problems.push(Problem { condition, reason, path: path.into(), message });
    }

    /// Reports that less than the object is served.
    pub(crate) fn degrade(&mut self, degraded: Degraded) {
        self.degraded = Some(degraded);
    }

    /// Takes a secret value into the snapshot and returns its keyed hash.
    ///
    /// Where the value is missing, that is reported at `path`, and the last one takes its place if `keep_last`. A Secret of
    /// another namespace needs a ReferenceGrant there at all times, for the last value too.
    pub(crate) fn secret(
        &mut self,
        (id, asking): (&SecretId, &ObjectId),
        path: &str,
        keep_last: bool,
    ) -> Option<Hash> {
        let world = self.view().world;
        let value = match self.look_up(id, asking) {
            Ok(value) => value,
            Err((reason, message)) => {
                self.unresolved(reason, path, message);
                let may_keep = keep_last && reason != Reason::RefNotPermitted;
                let last = self.last_value(id).filter(|_| may_keep)?;
                self.degrade(Degraded::ServingLastGood);
                last
            }
        };
        let hash = Hash::keyed(&world.hash_key, value.expose().as_bytes());
        self.secrets.insert(id.clone(), value);
        Some(hash)
    }

    /// The value that was served last.
    fn last_value(&self, id: &SecretId) -> Option<Secret> {
        let last = self.last.and_then(|last| last.secrets.get(id));
        last.or_else(|| self.recalled?.get(id)).cloned()
    }

    fn look_up(&self, id: &SecretId, asking: &ObjectId) -> Result<Secret, (Reason, String)> {
        let SecretId { holder, key } = id;
        let world = self.view().world;
        let is_own = holder.namespace == asking.namespace;
        if !is_own && !world.grants((&asking.kind, &asking.namespace), holder) {
            let message = format!("{holder} is missing, or no ReferenceGrant there permits it");
            return Err((Reason::RefNotPermitted, message));
        }
        let values = world.secrets.get(holder);
        let values =
            values.ok_or_else(|| (Reason::SecretNotFound, format!("{holder} does not exist: create it")))?;
        let value = values.get(key);
        let value = value
            .ok_or_else(|| (Reason::SecretKeyNotFound, format!("{holder} has no key {key:?}: add it")))?;
        value.for_header().ok_or_else(|| {
            let message = format!("{holder}: the value of {key:?} is empty or holds control characters");
            (Reason::InvalidSecret, message)
        })
    }

    /// Adds what was found to what there is to say about the object, and hands over the secrets it uses.
    pub(super) fn conclude(self, about: &mut Attachment) -> BTreeMap<SecretId, Secret> {
        about.problems.extend(self.problems);
        about.problems.sort();
        about.degraded = about.degraded.or(self.degraded);
        self.secrets
    }
}
