//! What the process was told at its start.

use std::time::Duration;

use agent::limits::Limits;

/// Settings that every request shares.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The largest request body, in bytes.
    pub body_bytes: usize,
    /// Guards of a run.
    pub limits: Limits,
    /// The wall clock of a foreground run.
    pub foreground: Duration,
    /// How long stored responses are kept; `None` is for ever.
    pub retention: Option<Duration>,
    /// Whether unknown top-level keys are refused.
    pub strict: bool,
}

impl Settings {
    /// When something that is stored at `now` expires; both are seconds since 1970.
    pub fn expiry(&self, now: i64) -> Option<i64> {
        let kept = self.retention?.as_secs();
        Some(now.saturating_add(i64::try_from(kept).unwrap_or(i64::MAX)))
    }
}
