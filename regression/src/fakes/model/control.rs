//! Scripts and records over HTTP, for suites in other languages: `POST /_script`, `GET /_requests`, `GET /_counts`, `POST /_reset`.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use super::script::Script;
use super::state::State;

/// Answers a control request with a status and JSON; `None` where it is none.
pub(super) fn answer(state: &State, method: &Method, path: &str, body: &Bytes) -> Option<(u16, Value)> {
    match (method, path) {
        (&Method::POST, "/_script") => Some(script(state, body)),
        (&Method::GET, "/_requests") => Some((200, json!(state.requests()))),
        (&Method::GET, "/_counts") => Some((200, json!(*state.counts().borrow()))),
        (&Method::POST, "/_reset") => {
            state.reset();
            Some((200, json!({})))
        }
        _ => None,
    }
}

fn script(state: &State, body: &Bytes) -> (u16, Value) {
    match Script::read(body) {
        Ok(scripts) => {
            state.push(scripts);
            (200, json!({}))
        }
        Err(error) => (400, json!({"error": {"message": error.to_string()}})),
    }
}
