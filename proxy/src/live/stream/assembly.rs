//! Frames → snapshots. Parts are gathered, a difference is applied to what was received before, and the whole is checked by
//! its hash. What was received is kept apart from what runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use config::Hash;
use config::Snapshot;
use config::delivery::SnapshotFrame;
use config::snapshot::{Delta, HashMismatch, apply};

/// What was received so far.
#[derive(Default)]
pub(super) struct Assembly {
    received: Option<Arc<Snapshot>>,
    parts: Option<Parts>,
}

/// The parts of a snapshot that is on its way.
struct Parts {
    next: u32,
    delta: Delta,
}

/// Why a snapshot is refused as a whole.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("a part is missing")]
    OutOfOrder,
    #[error("it is a difference to something that was never received")]
    UnknownBase,
    #[error("a secret is no text")]
    Secret,
    #[error("its content is not what its hash says")]
    Hash(#[from] HashMismatch),
}

impl Assembly {
    /// Starts from a snapshot that was kept.
    pub(super) fn begin_with(&mut self, snapshot: Arc<Snapshot>) {
        self.received = Some(snapshot);
    }

    /// What was received last.
    pub(super) fn received(&self) -> Option<&Arc<Snapshot>> {
        self.received.as_ref()
    }

    /// True if the snapshot with this hash is the one that was received last.
    pub(super) fn has(&self, hash: &Hash) -> bool {
        self.received.as_ref().is_some_and(|received| received.hash == *hash)
    }

    /// Forgets everything, so that the next snapshot has to be a whole one.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Takes a frame; gives the snapshot with its last part.
    ///
    /// Errors: the snapshot cannot be put together.
    pub(super) fn take(&mut self, frame: SnapshotFrame) -> Result<Option<Arc<Snapshot>>, Error> {
        let mut parts = match self.parts.take() {
            Some(parts) if frame.part != 1 => parts,
            _ => Parts { next: 1, delta: begun(&frame) },
        };
        if parts.delta.hash != frame.applied.hash || parts.next != frame.part {
            return Err(Error::OutOfOrder);
        }
        parts.next += 1;
        let is_last = frame.part == frame.parts;
        parts.delta.upsert.extend(frame.upsert.into_iter().map(Arc::new));
        parts.delta.remove.extend(frame.remove);
        for value in frame.secrets {
            let secret = value.secret().ok_or(Error::Secret)?;
            parts.delta.secrets.insert(value.id, secret);
        }
        if is_last {
            return self.finish(&parts.delta).map(Some);
        }
        self.parts = Some(parts);
        Ok(None)
    }

    fn finish(&mut self, delta: &Delta) -> Result<Arc<Snapshot>, Error> {
        let nothing = Arc::new(Snapshot::empty());
        let base = match delta.base {
            None => &nothing,
            Some(base) => {
                self.received.as_ref().filter(|held| held.hash == base).ok_or(Error::UnknownBase)?
            }
        };
        let snapshot = apply(base, delta)?;
        let snapshot = Arc::new(snapshot);
        self.received = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }
}

/// A difference without its entries.
fn begun(frame: &SnapshotFrame) -> Delta {
    Delta {
        base: frame.base,
        hash: frame.applied.hash,
        upsert: Vec::new(),
        remove: BTreeSet::new(),
        secrets: BTreeMap::new(),
        fallback_provider: frame.fallback_provider.clone(),
    }
}

#[cfg(test)]
mod tests {
    use config::delivery::Applied;
    use config::snapshot::diff;
    use config::spec::{CallerUrls, Filter, TenantSpec};
    use config::{Entry, EntryId, Secret, SecretId, Spec};

    use super::*;

    fn snapshot(count: usize) -> Snapshot {
        let entry = |number: usize| {
            let name = format!("t{number}");
            let spec = TenantSpec {
                name: name.clone(),
                namespaces: BTreeSet::new(),
                subjects: Vec::new(),
                models: Filter::default(),
                mcp_servers: Filter::default(),
                caller_urls: CallerUrls::default(),
                streams: None,
            };
            let id = EntryId::tenant("a", &name);
            (id.clone(), Arc::new(Entry::new(id, 1, Spec::Tenant(spec))))
        };
        Snapshot::new((0..count).map(entry).collect(), BTreeMap::new(), None)
    }

    fn frames(delta: Delta, limit: usize) -> Vec<SnapshotFrame> {
        let applied = Applied { hash: delta.hash, epoch: 1, sequence: 1 };
        SnapshotFrame::cut(applied, delta, limit)
    }

    fn taken(assembly: &mut Assembly, frames: Vec<SnapshotFrame>) -> Result<Option<Arc<Snapshot>>, Error> {
        frames.into_iter().try_fold(None, |_, frame| assembly.take(frame))
    }

    #[test]
    fn parts_make_the_whole_and_differences_build_on_it() {
        let (first, second, mut assembly) = (snapshot(20), snapshot(23), Assembly::default());
        let parts = frames(Delta::full(&first), 500);
        assert!(parts.len() > 2);
        assert_eq!(taken(&mut assembly, parts).expect("whole").as_deref(), Some(&first));
        let next = taken(&mut assembly, frames(diff(&first, &second), usize::MAX));
        assert_eq!(next.expect("whole").as_deref(), Some(&second));
        let back = taken(&mut assembly, frames(diff(&second, &first), usize::MAX));
        assert_eq!(back.expect("whole").as_deref(), Some(&first));
    }

    #[test]
    fn many_secrets_are_cut_into_parts_as_entries_are() {
        let entries = snapshot(3).entries;
        let secret = |number: usize| {
            let id = SecretId::new("a", &format!("s{number}"), "key");
            (id, Secret::new("v".repeat(100)))
        };
        let whole = Snapshot::new(entries, (0..50).map(secret).collect(), None);
        let parts = frames(Delta::full(&whole), 1_000);
        let longest = parts.iter().map(|part| serde_json::to_vec(part).expect("JSON").len()).max();
        assert!(parts.len() > 8 && longest < Some(1_500), "{} parts, {longest:?} bytes", parts.len());
        assert_eq!(parts.iter().map(|part| part.secrets.len()).sum::<usize>(), 50);
        assert_eq!(parts.iter().map(|part| part.upsert.len()).sum::<usize>(), 3);
    }

    #[test]
    fn a_difference_to_something_else_is_refused_and_so_is_a_missing_part() {
        let (first, second) = (snapshot(2), snapshot(3));
        let unknown = taken(&mut Assembly::default(), frames(diff(&first, &second), usize::MAX));
        assert!(matches!(unknown, Err(Error::UnknownBase)));
        let mut parts = frames(Delta::full(&snapshot(20)), 500);
        parts.remove(1);
        assert!(matches!(taken(&mut Assembly::default(), parts), Err(Error::OutOfOrder)));
    }

    #[test]
    fn content_that_is_not_what_its_hash_says_is_refused() {
        let mut frames = frames(Delta::full(&snapshot(2)), usize::MAX);
        frames[0].upsert.pop();
        assert!(matches!(taken(&mut Assembly::default(), frames), Err(Error::Hash(_))));
    }
}
