//! What the server is to do, what it was asked, and what is open.

use std::collections::VecDeque;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderName, HeaderValue};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use super::script::Script;

/// A request as it came.
#[derive(Clone, Debug, Serialize)]
pub struct Recorded {
    pub method: String,
    /// With the query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// What happened on the server's sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Connections that are open.
    pub connections: usize,
    /// Requests that are being answered.
    pub open: usize,
    /// Requests that came.
    pub requests: usize,
    /// Answers that the client did not wait for.
    pub aborted: usize,
}

#[derive(Debug)]
pub(super) struct State {
    scripts: Mutex<VecDeque<Script>>,
    requests: Mutex<Vec<Recorded>>,
    counts: watch::Sender<Counts>,
    pub(super) pace: Duration,
}

impl Recorded {
    /// Takes a request down; what is no text in it is replaced.
    pub(crate) fn new(head: &Parts, body: &[u8]) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let header = |(name, value): (&HeaderName, &HeaderValue)| (name.to_string(), text(value.as_bytes()));
        Self {
            method: head.method.to_string(),
            path: head.uri.to_string(),
            headers: head.headers.iter().map(header).collect(),
            body: text(body),
        }
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body; null where it is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

impl State {
    pub(super) fn new(pace: Duration) -> Self {
        Self { scripts: Mutex::default(), requests: Mutex::default(), counts: watch::Sender::default(), pace }
    }

    pub(super) fn push(&self, scripts: impl IntoIterator<Item = Script>) {
        self.scripts.lock().extend(scripts);
    }

    pub(super) fn record(&self, request: Recorded) {
        self.requests.lock().push(request);
    }

    pub(super) fn requests(&self) -> Vec<Recorded> {
        self.requests.lock().clone()
    }

    /// Forgets scripts and requests; what is open stays counted.
    pub(super) fn reset(&self) {
        self.scripts.lock().clear();
        self.requests.lock().clear();
    }

    /// Takes the script for a request.
    pub(super) fn script(&self, path: &str, body: &str) -> Option<Script> {
        let mut scripts = self.scripts.lock();
        let index = scripts.iter().position(|script| script.matches(path, body))?;
        match scripts[index].times {
            0 => scripts.get(index).cloned(),
            1 => scripts.remove(index),
            left => {
                scripts[index].times = left - 1;
                scripts.get(index).cloned()
            }
        }
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Counts)) {
        self.counts.send_modify(change);
    }

    pub(super) fn counts(&self) -> watch::Receiver<Counts> {
        self.counts.subscribe()
    }
}
