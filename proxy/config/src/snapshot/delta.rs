//! What changes from one snapshot to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::{Entry, Snapshot};
use crate::hash::Hash;
use crate::id::{EntryId, SecretId};
use crate::secret::Secret;

/// What changes from one snapshot to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// The hash of the snapshot that it builds on; absent = on nothing, so that it is whole in itself.
    pub base: Option<Hash>,
    /// The hash of the snapshot that it makes.
    pub hash: Hash,
    /// Entries that are new or differ, also in generation alone.
    pub upsert: Vec<Arc<Entry>>,
    /// Entries that go.
    pub remove: BTreeSet<EntryId>,
    /// Secrets that are new or differ. Those that no entry names any more go by themselves.
    pub secrets: BTreeMap<SecretId, Secret>,
    /// The provider for model names that name none, as it is to be.
    pub fallback_provider: Option<EntryId>,
}

/// A delta that does not fit its base, or does not make what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashMismatch {
    /// What the delta says.
    pub expected: Hash,
    /// What there is.
    pub found: Hash,
}

impl fmt::Display for HashMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the content has hash {}, not {}", self.found, self.expected)
    }
}

impl std::error::Error for HashMismatch {}

/// Returns what changes from `base` to `next`.
#[must_use]
pub fn diff(base: &Snapshot, next: &Snapshot) -> Delta {
    let differs = |entry: &&Arc<Entry>| base.entries.get(&entry.id) != Some(*entry);
    let is_gone = |id: &&EntryId| !next.entries.contains_key(*id);
    let is_new = |(id, value): &(&SecretId, &Secret)| base.secrets.get(*id) != Some(*value);
    let secrets = next.secrets.iter().filter(is_new);
    Delta {
        base: Some(base.hash),
        hash: next.hash,
        upsert: next.entries.values().filter(differs).cloned().collect(),
        remove: base.entries.keys().filter(is_gone).cloned().collect(),
        secrets: secrets.map(|(id, value)| (id.clone(), value.clone())).collect(),
        fallback_provider: next.fallback_provider.clone(),
    }
}

impl Delta {
    /// Returns the whole of `next`, for somebody who has nothing.
    #[must_use]
    pub fn full(next: &Snapshot) -> Self {
        Self { base: None, ..diff(&Snapshot::empty(), next) }
    }
}

/// Makes the next snapshot from `base` and what changes. A delta without a base does not look at `base`.
///
/// The hash of every entry that arrives, and that of the whole, are computed again.
/// Errors: `base` is another one than the delta builds on, an entry has another content than its hash says, or the outcome
/// has another hash than announced.
pub fn apply(base: &Snapshot, delta: &Delta) -> Result<Snapshot, HashMismatch> {
    let is_full = delta.base.is_none();
    check(delta.base.unwrap_or(base.hash), base.hash)?;
    let mut entries = if is_full { BTreeMap::new() } else { base.entries.clone() };
    let mut secrets = if is_full { BTreeMap::new() } else { base.secrets.clone() };
    entries.retain(|id, _| !delta.remove.contains(id));
    for entry in &delta.upsert {
        let made = Entry::new(entry.id.clone(), entry.generation, entry.spec.clone());
        check(entry.hash, made.hash)?;
        entries.insert(entry.id.clone(), Arc::clone(entry));
    }
    secrets.extend(delta.secrets.iter().map(|(id, value)| (id.clone(), value.clone())));
    let named: BTreeSet<_> = entries.values().filter_map(|entry| entry.secret()).collect();
    secrets.retain(|id, _| named.contains(id));
    let next = Snapshot::new(entries, secrets, delta.fallback_provider.clone());
    check(delta.hash, next.hash)?;
    Ok(next)
}

fn check(expected: Hash, found: Hash) -> Result<(), HashMismatch> {
    if expected == found { Ok(()) } else { Err(HashMismatch { expected, found }) }
}
