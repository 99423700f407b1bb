//! Measures an answer while it passes, without decoding it.

use std::sync::Arc;

use agent::model::ModelError;
use bytes::Bytes;
use memchr::memmem;
use protocol::chat::response::ChatUsage;
use protocol::responses::usage::Usage;
use serde::Deserialize;
use tokio::time::Instant;

use crate::app::App;
use crate::telemetry::Metrics;
use crate::telemetry::access::Trail;

/// Times an answer and finds its token counts in the last pieces.
pub struct Meter {
    metrics: Arc<Metrics>,
    label: String,
    trail: Trail,
    began: Instant,
    /// The last two pieces: counts stand at the end.
    tail: (Bytes, Bytes),
    waiting: bool,
}

impl Meter {
    /// Starts the clock.
    pub fn new(app: &App, label: &str, trail: Trail) -> Self {
        let tail = (Bytes::new(), Bytes::new());
        let (metrics, label) = (Arc::clone(&app.metrics), label.to_owned());
        Self { metrics, label, trail, began: Instant::now(), tail, waiting: true }
    }

    /// A piece has come.
    pub fn piece(&mut self, piece: &Bytes) {
        if std::mem::take(&mut self.waiting) {
            let elapsed = self.began.elapsed();
            self.metrics.first_chunk(&self.label, elapsed);
            let ttft_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
            self.trail.note(|notes| notes.ttft_ms = Some(ttft_ms));
        }
        self.tail.0 = std::mem::replace(&mut self.tail.1, piece.clone());
    }

    /// The answer is whole.
    pub fn done(&mut self) {
        self.metrics.inference(&self.label, self.began.elapsed(), "");
        if let Some(usage) = self.usage() {
            self.trail.usage(&usage);
            self.metrics.usage(&self.label, &usage);
        }
    }

    /// There is no answer, or it broke off.
    pub fn failed(&mut self, failure: &ModelError) {
        let word = crate::error::failure_word(failure.cause);
        self.metrics.inference(&self.label, self.began.elapsed(), word);
        self.trail.note(|notes| notes.error_code.clone_from(&failure.error.code));
    }

    fn usage(&self) -> Option<Usage> {
        usage_in(&self.tail.1).or_else(|| usage_in(&[&self.tail.0[..], &self.tail.1[..]].concat()))
    }
}

/// The last object that is called `usage`.
fn usage_in(bytes: &[u8]) -> Option<Usage> {
    let mut found = None;
    for start in memmem::find_iter(bytes, br#""usage":"#) {
        let rest = bytes.get(start + br#""usage":"#.len()..)?;
        let mut reader = serde_json::Deserializer::from_slice(rest);
        if let Ok(Some(usage)) = Option::<ChatUsage>::deserialize(&mut reader) {
            found = Some(usage);
        }
    }
    found.map(Usage::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_counts_are_found() {
        let text = br#"data: {"usage":null,"x":1}

data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}

data: [DONE]

"#;
        let usage = usage_in(text).expect("counted");
        assert_eq!((usage.input_tokens, usage.output_tokens, usage.total_tokens), (3, 4, 7));
    }

    #[test]
    fn what_counts_nothing_has_no_usage() {
        assert_eq!(usage_in(br#"{"choices":[],"usage":null}"#), None);
        assert_eq!(usage_in(b"data: [DONE]"), None);
    }
}
