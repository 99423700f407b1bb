//! Which part of the server a request is for, who may ask, and what goes wrong with it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::json;

use super::behaviour::{Behaviour, Replies, Trouble};
use super::perform::{Body, Broken, Step, events, header, json, whole};
use super::rpc::{Asked, MODERN};
use super::state::State;
use super::{issuer, legacy, modern, sse};
use crate::fakes::model::Recorded;

/// Longer than any test.
const FOREVER: Duration = Duration::from_secs(3600);

/// Answers a request.
///
/// Errors: the connection is to be closed without an answer.
pub(super) async fn answer(request: Request<Incoming>, state: Arc<State>) -> Result<Response<Body>, Broken> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
    state.record(Recorded::new(&head, &body));
    let asked =
        Asked { headers: head.headers.clone(), message: serde_json::from_slice(&body).unwrap_or_default() };
    if head.uri.path() == "/token" {
        return Ok(issuer::answer(&state));
    }
    if !state.admits(asked.bearer()) {
        return Ok(refusal(state.behaviour.lock().challenges));
    }
    let trouble = state.behaviour.lock().trouble(asked.method());
    if let Some(trouble) = trouble {
        return troubled(&asked, trouble, &state).await;
    }
    Ok(routed(&head, &asked, &state))
}

fn routed(head: &Parts, asked: &Asked, state: &Arc<State>) -> Response<Body> {
    let behaviour = state.behaviour.lock().clone();
    let streamable = behaviour.eras.modern || behaviour.eras.legacy;
    match (head.uri.path(), &head.method) {
        ("/sse", &Method::GET) if behaviour.eras.sse => sse::open(state),
        ("/messages", &Method::POST) if behaviour.eras.sse => {
            sse::take(asked, head.uri.query().unwrap_or_default(), &behaviour, state)
        }
        ("/mcp", &Method::POST) if streamable => post(asked, &behaviour, state),
        ("/mcp", &Method::DELETE) if behaviour.eras.legacy => legacy::end(asked, state),
        ("/mcp" | "/sse", _) => whole(405, "text/plain", "method not allowed"),
        _ => whole(404, "text/plain", "not found"),
    }
}

fn post(asked: &Asked, behaviour: &Behaviour, state: &Arc<State>) -> Response<Body> {
    let is_modern = asked.version() == Some(MODERN) || asked.header("mcp-protocol-version") == Some(MODERN);
    match (is_modern, behaviour.eras.modern, behaviour.eras.legacy) {
        (true, true, _) => modern::answer(asked, behaviour, state),
        (_, _, true) => legacy::answer(asked, behaviour, state),
        _ => json(400, &unsupported(asked)),
    }
}

fn unsupported(asked: &Asked) -> serde_json::Value {
    let mut error = asked.error(-32022, "unsupported protocol version");
    error["error"]["data"] = json!({"supported": [MODERN]});
    error
}

/// One message as JSON, or steps as an event stream.
pub(super) fn reply(steps: Vec<Step>, behaviour: &Behaviour, state: &Arc<State>) -> Response<Body> {
    match (&steps[..], behaviour.replies) {
        ([Step::Message(message)], Replies::Json) => json(200, message),
        _ => events(state, steps),
    }
}

fn refusal(challenges: bool) -> Response<Body> {
    let mut response = whole(401, "text/plain", "who are you?");
    if challenges {
        header(&mut response, "www-authenticate", "Bearer realm=\"secret-realm\"");
    }
    response
}

async fn troubled(asked: &Asked, trouble: Trouble, state: &Arc<State>) -> Result<Response<Body>, Broken> {
    Ok(match trouble {
        Trouble::Hang => {
            tokio::time::sleep(FOREVER).await;
            return Err(Broken);
        }
        Trouble::Drip(pause) => events(state, vec![Step::Drip(pause)]),
        Trouble::Cut => events(
            state,
            vec![Step::Bytes(Bytes::from_static(b"event: message\ndata: {\"jsonrpc\":")), Step::Cut],
        ),
        Trouble::Huge(size) => {
            let start = format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{\"x\":\"", asked.message["id"]);
            whole(200, "application/json", start + &"x".repeat(size) + "\"}}")
        }
        Trouble::Redirect(code, to) => {
            let mut response = whole(code, "text/plain", "elsewhere");
            header(&mut response, "location", &to);
            response
        }
        Trouble::Status(code, headers, kind, body) => {
            let mut response = whole(code, kind, body);
            for (name, value) in headers {
                header(&mut response, name, &value);
            }
            response
        }
        Trouble::Error(code, message) => json(200, &asked.error(code, &message)),
        Trouble::Empty => json(200, &asked.result(&json!({}))),
    })
}
