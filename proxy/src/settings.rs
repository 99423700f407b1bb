//! What the process was told at its start.

use std::time::Duration;

use agent::limits::Limits;
use config::spec::GatewaySpec;

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
    /// Requests that are answered at a time.
    pub concurrency: usize,
    /// Streams of one tenant at a time.
    pub tenant_streams: usize,
}

impl Settings {
    /// For how many seconds something is kept; `None` is for ever.
    pub fn kept_seconds(&self) -> Option<i64> {
        self.retention.map(|kept| i64::try_from(kept.as_secs()).unwrap_or(i64::MAX))
    }

    /// The same with what a gateway says in the place of flags.
    #[must_use]
    pub fn of_gateway(&self, gateway: &GatewaySpec) -> Self {
        let limits = &gateway.limits;
        Self {
            body_bytes: usize::try_from(limits.request_bytes).unwrap_or(self.body_bytes),
            limits: Limits { rounds: limits.rounds, tool_calls: limits.tool_calls, ..self.limits },
            foreground: Duration::from_millis(limits.foreground_ms),
            retention: gateway.retention_ms.map(Duration::from_millis),
            strict: gateway.strict,
            concurrency: usize::try_from(limits.concurrency).unwrap_or(self.concurrency),
            tenant_streams: usize::try_from(limits.streams_tenant).unwrap_or(self.tenant_streams),
        }
    }
}
