//! What every request shares: what the gateway says, unless the process was told otherwise at its start.

use std::time::Duration;

use agent::limits::Limits;
use config::spec::GatewaySpec;

/// What every request shares.
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

/// What the process was told at its start; what is absent is the gateway's to say.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub body_bytes: Option<usize>,
    pub tool_calls: Option<u32>,
    pub foreground: Option<Duration>,
    /// Days; 0 is for ever.
    pub retention_days: Option<u32>,
    /// True refuses unknown keys whatever the gateway says.
    pub strict: bool,
}

impl Settings {
    /// For how many seconds something is kept; `None` is for ever.
    pub fn kept_seconds(&self) -> Option<i64> {
        self.retention.map(|kept| i64::try_from(kept.as_secs()).unwrap_or(i64::MAX))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            body_bytes: 32 << 20,
            limits: Limits::default(),
            foreground: Duration::from_secs(600),
            retention: Some(Duration::from_secs(30 * 86_400)),
            strict: false,
            concurrency: 10_000,
            tenant_streams: 1_000,
        }
    }
}

impl Flags {
    /// Settles every setting.
    pub fn settle(&self, gateway: Option<&GatewaySpec>) -> Settings {
        let base = gateway.map_or_else(Settings::default, of_gateway);
        let days = |days: u32| (days > 0).then(|| Duration::from_secs(u64::from(days) * 86_400));
        let tool_calls = self.tool_calls.unwrap_or(base.limits.tool_calls);
        Settings {
            body_bytes: self.body_bytes.unwrap_or(base.body_bytes),
            limits: Limits { tool_calls, ..base.limits },
            foreground: self.foreground.unwrap_or(base.foreground),
            retention: self.retention_days.map_or(base.retention, days),
            strict: self.strict || base.strict,
            ..base
        }
    }
}

fn of_gateway(gateway: &GatewaySpec) -> Settings {
    let (limits, base) = (&gateway.limits, Settings::default());
    Settings {
        body_bytes: usize::try_from(limits.request_bytes).unwrap_or(base.body_bytes),
        limits: Limits { rounds: limits.rounds, tool_calls: limits.tool_calls, ..base.limits },
        foreground: Duration::from_millis(limits.foreground_ms),
        retention: gateway.retention_ms.map(Duration::from_millis),
        strict: gateway.strict,
        concurrency: usize::try_from(limits.concurrency).unwrap_or(base.concurrency),
        tenant_streams: usize::try_from(limits.streams_tenant).unwrap_or(base.tenant_streams),
    }
}
