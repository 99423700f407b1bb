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
            return self.finish(parts).map(Some);
        }
        self.parts = Some(parts);
        Ok(None)
    }

    fn finish(&mut self, parts: Parts) -> Result<Arc<Snapshot>, Error> {
        let nothing = Arc::new(Snapshot::empty());
        let base = match parts.delta.base {
            None => &nothing,
            Some(base) => {
                self.received.as_ref().filter(|held| held.hash == base).ok_or(Error::UnknownBase)?
            }
        };
        let snapshot = apply(base, &parts.delta)?;
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
