//! Frames → snapshots. Parts are gathered, a difference is applied to what was received before, and the whole is checked by
//! its hash. What was received is kept apart from what runs.

use std::sync::Arc;

use config::Snapshot;
use config::Hash;
use config::delivery::SnapshotFrame;
use config::snapshot::Delta;

/// What was received so far.
#[derive(Default)]
pub struct Assembly {
    received: Option<Arc<Snapshot>>,
    parts: Option<Parts>,
}

/// The parts of a snapshot that is on its way.
struct Parts {
    hash: Hash,
    base: Option<Hash>,
    next: u32,
    delta: Delta,
}

/// Why a snapshot is refused as a whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("a part is missing")]
    OutOfOrder,
    #[error("it is a difference to something that was never received")]
    UnknownBase,
    #[error("a secret is no text")]
    Secret,
    #[error("its content is not what its hash says")]
    Hash,
}

impl Assembly {
    /// Starts from a snapshot that was kept.
    pub fn begin_with(&mut self, snapshot: Arc<Snapshot>) {
        self.received = Some(snapshot);
    }

    /// True if the snapshot with this hash is the one that was received last.
    pub fn has(&self, hash: &Hash) -> bool {
        self.received.as_ref().is_some_and(|received| received.hash == *hash)
    }

    /// Forgets everything, so that the next snapshot has to be a whole one.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Takes a frame; gives the snapshot with its last part.
    ///
    /// Errors: the snapshot cannot be put together.
    pub fn take(&mut self, frame: SnapshotFrame) -> Result<Option<Arc<Snapshot>>, Error> {
        let (hash, base) = (frame.applied.hash, frame.base);
        let fresh = || Parts { hash, base, next: 1, delta: Delta::default() };
        let mut parts = match self.parts.take() {
            Some(parts) if frame.part != 1 => parts,
            _ => fresh(),
        };
        if parts.hash != hash || parts.next != frame.part {
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
        let base = match parts.base {
            None => None,
            Some(base) if self.has(&base) => self.received.as_deref(),
            Some(_) => return Err(Error::UnknownBase),
        };
        let snapshot = parts.delta.applied_to(base, parts.hash).map_err(|_| Error::Hash)?;
        let snapshot = Arc::new(snapshot);
        self.received = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }
}
