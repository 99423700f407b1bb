//! Time and randomness, made once in `boot` and handed down.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The wall clock.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Clock {
    /// A clock by a function that tells the time since 1970.
    pub fn new(since_1970: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(since_1970))
    }

    /// Seconds since 1970.
    pub fn now(&self) -> i64 {
        i64::try_from((self.0)().as_secs()).unwrap_or(i64::MAX)
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        i64::try_from((self.0)().as_millis()).unwrap_or(i64::MAX)
    }
}

/// Seeds for ids and jitter: one secret of the process, hashed with a counter.
pub struct Seeds {
    secret: [u8; 32],
    count: AtomicU64,
}

impl Seeds {
    /// Starts from 256 bits of the operating system's randomness.
    pub fn new(secret: [u8; 32]) -> Self {
        Self { secret, count: AtomicU64::new(0) }
    }

    /// The next seed; no two are equal.
    pub fn next(&self) -> [u8; 32] {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        *blake3::keyed_hash(&self.secret, &count.to_le_bytes()).as_bytes()
    }
}
