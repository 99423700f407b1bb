//! JSON-RPC as it came, and as it goes.

use http::HeaderMap;
use serde_json::{Value, json};

/// The version that needs no handshake.
pub(super) const MODERN: &str = "2026-07-28";

/// A message as it came.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) headers: HeaderMap,
    pub(super) message: Value,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(super) fn bearer(&self) -> Option<&str> {
        self.header("authorization").and_then(|value| value.strip_prefix("Bearer "))
    }

    pub(super) fn method(&self) -> &str {
        self.message["method"].as_str().unwrap_or_default()
    }

    pub(super) fn params(&self) -> &Value {
        &self.message["params"]
    }

    /// True if nothing is to be answered: a notification, or an answer to a question.
    pub(super) fn is_silent(&self) -> bool {
        self.message.get("id").is_none() || self.message.get("method").is_none()
    }

    /// The version in `_meta`, which a modern request carries.
    pub(super) fn version(&self) -> Option<&str> {
        self.params()["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str()
    }

    pub(super) fn result(&self, result: &Value) -> Value {
        json!({"jsonrpc": "2.0", "id": self.message["id"], "result": result})
    }

    pub(super) fn error(&self, code: i64, message: &str) -> Value {
        let error = json!({"code": code, "message": message});
        json!({"jsonrpc": "2.0", "id": self.message.get("id").cloned().unwrap_or_default(), "error": error})
    }

    pub(super) fn progress(&self, progress: usize, total: usize) -> Value {
        let token = &self.params()["_meta"]["progressToken"];
        let params = json!({"progressToken": token, "progress": progress, "total": total, "message": format!("step {progress}")});
        json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})
    }
}
