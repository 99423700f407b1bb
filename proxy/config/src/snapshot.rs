//! What one gateway serves.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::hash::Hash;
use crate::id::{EntryId, SecretId};
use crate::secret::Secret;
use crate::spec::Spec;

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
