//! When a call is tried again, and after how long.

use std::time::Duration;

/// How a model is retried over all its targets. Nothing is retried after the first event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Calls in all, the first included; at least one is made.
    pub max_attempts: u8,
    /// What is worth another attempt.
    pub reasons: Reasons,
    /// The pause before an attempt on a target that was tried before.
    pub backoff: Backoff,
}

/// What is worth another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reasons {
    /// No connection, or it broke before the first event.
    pub connect_failure: bool,
    /// The first event did not come in time; 408.
    pub timeout: bool,
    /// 429, but not an exhausted quota.
    pub rate_limited: bool,
    /// 409, 500, 502, 503, 504, 529, and answers that cannot be understood.
    pub server_error: bool,
}

/// Full jitter: a random part of `base × 2ⁿ`, which never exceeds `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The upper bound of the first pause.
    pub base: Duration,
    /// The upper bound of all pauses.
    pub max: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { max_attempts: 3, reasons: Reasons::default(), backoff: Backoff::default() }
    }
}

impl Default for Reasons {
    fn default() -> Self {
        Self { connect_failure: true, timeout: true, rate_limited: true, server_error: true }
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_millis(100), max: Duration::from_secs(5) }
    }
}
