//! One line a request: who asked for what, what it cost, how it ended. Never what was said.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use protocol::responses::usage::Usage;
use serde::Serialize;

use crate::telemetry::logs;

/// What the parts of a request note for its access line. Clones share it.
#[derive(Clone, Default)]
pub struct Trail(Arc<Mutex<Notes>>);

/// What is known beside the HTTP facts; absent fields are left out of the line.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Notes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Names the credential; never the credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_response_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttft_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

impl Trail {
    /// Adds to the notes.
    pub fn note(&self, note: impl FnOnce(&mut Notes)) {
        note(&mut self.0.lock());
    }

    /// Adds token counts.
    pub fn usage(&self, usage: &Usage) {
        self.note(|notes| {
            notes.input_tokens = Some(usage.input_tokens);
            notes.cached_tokens = Some(usage.input_tokens_details.cached_tokens);
            notes.output_tokens = Some(usage.output_tokens);
            notes.reasoning_tokens = Some(usage.output_tokens_details.reasoning_tokens);
        });
    }
}

/// The HTTP facts of a request.
pub struct Line<'a> {
    pub id: &'a str,
    pub client_request_id: String,
    pub remote: String,
    pub method: &'a str,
    pub route: &'a str,
    pub status: u16,
    pub elapsed: Duration,
    pub bytes_out: usize,
    pub disconnected: bool,
}

#[derive(Serialize)]
struct Json<'a> {
    timestamp: String,
    level: &'static str,
    target: &'static str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    client_request_id: &'a str,
    remote: &'a str,
    method: &'a str,
    route: &'a str,
    status: u16,
    duration_ms: f64,
    bytes_out: usize,
    disconnected: bool,
    #[serde(flatten)]
    notes: &'a Notes,
}

impl Line<'_> {
    /// Writes the line. `now_ms` is milliseconds since 1970.
    pub fn write(&self, trail: &Trail, now_ms: i64) {
        if !tracing::enabled!(target: "access", tracing::Level::INFO) {
            return;
        }
        let notes = trail.0.lock();
        let mut bytes = match logs::format() {
            logs::Format::Json => self.json(&notes, now_ms),
            logs::Format::Text => self.text(&notes, now_ms),
        };
        bytes.push(b'\n');
        logs::line(&bytes);
    }

    fn json(&self, notes: &Notes, now_ms: i64) -> Vec<u8> {
        let line = Json {
            timestamp: timestamp(now_ms),
            level: "INFO",
            target: "access",
            request_id: self.id,
            client_request_id: &self.client_request_id,
            remote: &self.remote,
            method: self.method,
            route: self.route,
            status: self.status,
            duration_ms: self.duration_ms(),
            bytes_out: self.bytes_out,
            disconnected: self.disconnected,
            notes,
        };
        serde_json::to_vec(&line).unwrap_or_default()
    }

    fn text(&self, notes: &Notes, now_ms: i64) -> Vec<u8> {
        let gone = if self.disconnected { ", client left" } else { "" };
        let model = notes.model.as_deref().map(|model| format!(" model={model}")).unwrap_or_default();
        let code = notes.error_code.as_deref().map(|code| format!(" error={code}")).unwrap_or_default();
        let (time, ms) = (timestamp(now_ms), self.duration_ms());
        format!("{time} {} {}{model}{code} {ms} ms {}{gone}", self.status, self.route, self.id).into_bytes()
    }

    fn duration_ms(&self) -> f64 {
        (self.elapsed.as_secs_f64() * 1e5).round() / 100.0
    }
}

fn timestamp(now_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(now_ms).map(|time| format!("{time:.3}")).unwrap_or_default()
}
