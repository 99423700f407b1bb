//! Streamable HTTP with `initialize` and sessions.

use std::sync::Arc;

use http::Response;
use serde_json::{Value, json};

use super::answer::reply;
use super::behaviour::Behaviour;
use super::perform::{Body, Step, header, json, whole};
use super::rpc::{Asked, MODERN};
use super::state::State;
use super::{calls, lists};

const SESSION: &str = "mcp-session-id";
const METHOD_NOT_FOUND: i64 = -32601;

pub(super) fn answer(asked: &Asked, behaviour: &Behaviour, state: &Arc<State>) -> Response<Body> {
    if asked.method() == "initialize" {
        let steps = vec![Step::Message(asked.result(&initialized(asked)))];
        let mut response = reply(steps, behaviour, state);
        header(&mut response, SESSION, &state.begin_session());
        return response;
    }
    match asked.header(SESSION) {
        None => return json(400, &asked.error(-32000, "Bad Request: No valid session ID provided")),
        Some(session) if !state.has_session(session) => {
            return json(404, &asked.error(-32001, "Session not found"));
        }
        Some(_) if asked.is_silent() => return whole(202, "text/plain", ""),
        Some(_) => {}
    }
    reply(steps(asked, behaviour), behaviour, state)
}

/// What a request is answered with, whatever carries the answer.
pub(super) fn steps(asked: &Asked, behaviour: &Behaviour) -> Vec<Step> {
    match asked.method() {
        "initialize" => vec![Step::Message(asked.result(&initialized(asked)))],
        "ping" => vec![Step::Message(asked.result(&json!({})))],
        "tools/list" => vec![Step::Message(asked.result(&lists::page(asked, behaviour, false)))],
        "tools/call" => calls::steps(asked, behaviour, false),
        _ => vec![Step::Message(asked.error(METHOD_NOT_FOUND, "no such method"))],
    }
}

/// Ends a session.
pub(super) fn end(asked: &Asked, state: &State) -> Response<Body> {
    let ended = asked.header(SESSION).is_some_and(|session| state.end_session(session));
    whole(if ended { 200 } else { 404 }, "text/plain", "")
}

/// The version that the client offers, unless it is one without a handshake.
fn initialized(asked: &Asked) -> Value {
    let offered = asked.params()["protocolVersion"].as_str().filter(|version| *version != MODERN);
    json!({
        "protocolVersion": offered.unwrap_or("2025-11-25"),
        "capabilities": {"tools": {"listChanged": true}},
        "serverInfo": {"name": "fake", "version": "1"},
    })
}
