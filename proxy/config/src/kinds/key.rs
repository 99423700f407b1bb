//! Compiles APIKeys.

use std::collections::BTreeMap;

use crds::reference::ObjectRef;
use crds::{ApiKey, Time};
use sha2::{Digest, Sha256};

use super::{Claim, Resource};
use crate::compile::{Scope, View};
use crate::diagnostics::Reason;
use crate::id::ObjectId;
use crate::secret::Secret;
use crate::spec::{KeyHash, KeySpec, Spec, Tenancy};
use crate::world::World;

/// The length of the shortest key, in characters.
const SHORTEST: usize = 24;

/// Why something cannot be used, and what to do about it.
type Refusal = (Reason, String);

impl Resource for ApiKey {
    fn gateway_refs(&self) -> Option<&[ObjectRef]> {
        self.gateway_refs.as_deref()
    }

    fn claims(&self, id: &ObjectId, view: &View<'_>) -> Vec<Claim> {
        let usable = tenant(self, id, view).and_then(|_| hashes(self, id, view.world));
        usable.unwrap_or_default().into_iter().map(|hash| Claim::Key(hash.sha256)).collect()
    }

    fn secrets(&self, id: &ObjectId) -> Vec<ObjectId> {
        vec![holder(self, id)]
    }

    fn compile(&self, id: &ObjectId, scope: &mut Scope<'_>) -> Option<Spec> {
        let tenant = tenant(self, id, scope.view());
        let hashes = hashes(self, id, scope.view().world);
        if let Err((reason, message)) = &tenant {
            let path = if self.tenant_ref.is_some() { "spec.tenantRef" } else { "" };
            scope.unresolved(*reason, path, message.clone());
        }
        if let Err((reason, message)) = &hashes {
            scope.unresolved(*reason, "spec.secretRef", message.clone());
        }
        let expires_at = self.expires_at.as_ref().map(|time| time.as_unix_seconds().unwrap_or_default());
        Some(Spec::Key(KeySpec {
            name: id.name.clone(),
            tenant: tenant.ok()?,
            owner: self.owner.clone(),
            hashes: hashes.ok()?,
            disabled: self.disabled,
            expires_at,
        }))
    }
}

/// Finds the tenant of a key: where a gateway tells tenants apart, the one that owns the namespace, or another one if the
/// namespace is the gateway's own.
fn tenant(key: &ApiKey, id: &ObjectId, view: &View<'_>) -> Result<String, Refusal> {
    let asked = key.tenant_ref.as_ref().map(|asked| asked.name.as_str());
    let owner = match view.tenancy() {
        Tenancy::Single => Some("default"),
        Tenancy::Multi => view.owner(&id.namespace),
    };
    let gateway = view.gateway();
    match (asked, owner) {
        (None, Some(owner)) => Ok(owner.to_owned()),
        (Some(asked), Some(owner)) if asked == owner => Ok(owner.to_owned()),
        (None, None) => {
            let message =
                format!("no Tenant of gateway {gateway} owns namespace {}: add it to one", id.namespace);
            Err((Reason::TargetNotFound, message))
        }
        (Some(asked), _) if id.namespace != gateway.namespace() => {
            let message = format!(
                "Tenant {asked} of gateway {gateway} is missing or does not own namespace {}: leave tenantRef out, or correct it",
                id.namespace
            );
            Err((Reason::RefNotPermitted, message))
        }
        (Some(asked), _) if view.has_tenant(asked) => Ok(asked.to_owned()),
        (Some(asked), _) => {
            let message =
                format!("gateway {gateway} has no Tenant {asked}: create it, or correct the reference");
            Err((Reason::TargetNotFound, message))
        }
    }
}

/// Reads what a key hashes to from its Secret: the present one first, then the one before.
fn hashes(key: &ApiKey, id: &ObjectId, world: &World) -> Result<Vec<KeyHash>, Refusal> {
    let holder = holder(key, id);
    let values = world.secrets.get(&holder);
    let values =
        values.ok_or_else(|| (Reason::SecretNotFound, format!("{holder} does not exist: create it")))?;
    let invalid = |message: &str| (Reason::InvalidSecret, format!("{holder}: {message}"));
    let present = match (values.get("key"), values.get("sha256")) {
        (Some(key), _) => {
            digest(key).ok_or_else(|| invalid("key must have 24 printable characters or more"))?
        }
        (None, Some(hash)) => hex(hash).ok_or_else(|| invalid("sha256 must have 64 hexadecimal digits"))?,
        (None, None) => {
            return Err((
                Reason::SecretKeyNotFound,
                format!("{holder} has neither \"key\" nor \"sha256\": add one"),
            ));
        }
    };
    let previous = previous(values).filter(|previous| previous.sha256 != present);
    Ok([KeyHash { sha256: present, not_after: None }].into_iter().chain(previous).collect())
}

fn holder(key: &ApiKey, id: &ObjectId) -> ObjectId {
    ObjectId::new("Secret", &id.namespace, &key.secret_ref.name)
}

/// Reads the key before a rotation. One without an end, or with one that cannot be read, does not count.
fn previous(values: &BTreeMap<String, Secret>) -> Option<KeyHash> {
    let sha256 = hex(values.get("previousSHA256")?)?;
    let end = Time::new(values.get("previousNotAfter")?.expose().trim());
    Some(KeyHash { sha256, not_after: Some(end.as_unix_seconds()?) })
}

fn digest(key: &Secret) -> Option<String> {
    let key = key.for_header().filter(|key| key.expose().len() >= SHORTEST)?;
    Some(Sha256::digest(key.expose().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect())
}

fn hex(hash: &Secret) -> Option<String> {
    let hash = hash.expose().trim().to_ascii_lowercase();
    (hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(hash)
}
