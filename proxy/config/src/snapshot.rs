//! What one gateway serves, and how that changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::hash::Hash;
use crate::id::{EntryId, SecretId};
use crate::secret::Secret;
use crate::spec::{Credential, GatewaySpec, Spec};

pub use delta::{Delta, HashMismatch, apply, diff};

mod delta;

/// The number of the entry schema.
pub const IR: u16 = 1;

/// Everything that one gateway serves. Equal hashes mean equal entries and equal secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Identifies the content.
    pub hash: Hash,
    /// What the objects of the gateway compiled to.
    pub entries: BTreeMap<EntryId, Arc<Entry>>,
    /// The values that entries name, no others.
    pub secrets: BTreeMap<SecretId, Secret>,
    /// The provider for model names that name none and match no Model.
    pub fallback_provider: Option<EntryId>,
}

/// What one object compiled to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Names the entry.
    pub id: EntryId,
    /// The generation of the object that this content comes from; carried, not hashed.
    pub generation: i64,
    /// Hash of id and spec.
    pub hash: Hash,
    /// The content.
    pub spec: Spec,
}

impl Snapshot {
    /// Gathers what a gateway serves.
    #[must_use]
    pub fn new(
        entries: BTreeMap<EntryId, Arc<Entry>>,
        secrets: BTreeMap<SecretId, Secret>,
        fallback_provider: Option<EntryId>,
    ) -> Self {
        let mut text = format!("ir {IR}\n");
        for entry in entries.values() {
            text.push_str(&format!("{} {}\n", entry.id, entry.hash));
        }
        if let Some(fallback) = &fallback_provider {
            text.push_str(&format!("fallback {fallback}\n"));
        }
        Self { hash: Hash::of(text.as_bytes()), entries, secrets, fallback_provider }
    }

    /// Returns a snapshot of nothing, for somebody who has received none yet.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(BTreeMap::new(), BTreeMap::new(), None)
    }

    /// Returns the entry of the gateway itself; there is one in every snapshot that was compiled.
    #[must_use]
    pub fn gateway(&self) -> Option<&GatewaySpec> {
        self.entries.values().find_map(|entry| match &entry.spec {
            Spec::Gateway(spec) => Some(spec),
            Spec::Tenant(_)
            | Spec::Key(_)
            | Spec::Provider(_)
            | Spec::Model(_)
            | Spec::McpServer(_)
            | Spec::ToolPolicy(_) => None,
        })
    }
}

impl Entry {
    /// Makes an entry; its hash follows from id and content.
    #[must_use]
    pub fn new(id: EntryId, generation: i64, spec: Spec) -> Self {
        let hash = Hash::canonical(&json!({"id": id, "spec": spec}));
        Self { id, generation, hash, spec }
    }

    /// Returns the secret that a provider's entry names, with the keyed hash of its value.
    #[must_use]
    pub fn credential(&self) -> Option<(&SecretId, Hash)> {
        match &self.spec {
            Spec::Provider(provider) => match &provider.credential {
                Credential::Key { secret, hash, .. } => Some((secret, *hash)),
                Credential::None | Credential::Missing => None,
            },
            Spec::Gateway(_)
            | Spec::Tenant(_)
            | Spec::Key(_)
            | Spec::Model(_)
            | Spec::McpServer(_)
            | Spec::ToolPolicy(_) => None,
        }
    }
}
