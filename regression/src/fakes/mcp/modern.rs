//! Streamable HTTP since 2026-07-28: no session, and every request says what it is.

use std::sync::Arc;

use http::Response;
use serde_json::{Value, json};

use super::answer::reply;
use super::behaviour::Behaviour;
use super::perform::{Body, Step, json, whole};
use super::rpc::{Asked, MODERN};
use super::state::State;
use super::{calls, lists};

const HEADER_MISMATCH: i64 = -32020;
const METHOD_NOT_FOUND: i64 = -32601;

pub(super) fn answer(asked: &Asked, behaviour: &Behaviour, state: &Arc<State>) -> Response<Body> {
    if asked.is_silent() {
        return whole(202, "text/plain", "");
    }
    if let Some(problem) = mismatch(asked, behaviour) {
        return json(400, &asked.error(HEADER_MISMATCH, &problem));
    }
    let steps = match asked.method() {
        "server/discover" => vec![Step::Message(asked.result(&discovered()))],
        "tools/list" => vec![Step::Message(asked.result(&lists::page(asked, behaviour, true)))],
        "tools/call" => calls::steps(asked, behaviour, true),
        _ => return json(404, &asked.error(METHOD_NOT_FOUND, "no such method")),
    };
    reply(steps, behaviour, state)
}

fn discovered() -> Value {
    json!({
        "resultType": "complete",
        "supportedVersions": [MODERN],
        "capabilities": {"tools": {"listChanged": true}},
        "ttlMs": 0,
        "cacheScope": "private",
        "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "fake", "version": "1"}},
    })
}

/// What the headers do not say, or say differently than the body.
fn mismatch(asked: &Asked, behaviour: &Behaviour) -> Option<String> {
    let capabilities = &asked.params()["_meta"]["io.modelcontextprotocol/clientCapabilities"];
    if !capabilities.is_object() {
        return Some("no client capabilities".to_owned());
    }
    let name = asked.params()["name"].as_str().filter(|_| asked.method() == "tools/call");
    let expected =
        [("mcp-protocol-version", asked.version()), ("mcp-method", Some(asked.method())), ("mcp-name", name)];
    let differs =
        |(header, wanted): &(&str, Option<&str>)| wanted.is_some() && asked.header(header) != *wanted;
    if let Some((header, _)) = expected.iter().find(|pair| differs(pair)) {
        return Some(format!("{header} does not match"));
    }
    let tool = behaviour.tools.iter().find(|tool| name.is_some() && tool.name() == name)?;
    let properties = tool.description["inputSchema"]["properties"].as_object()?;
    properties.iter().find_map(|(key, schema)| {
        let header = format!("mcp-param-{}", schema["x-mcp-header"].as_str()?.to_lowercase());
        let argument = asked.params()["arguments"].get(key)?.as_str()?;
        (asked.header(&header) != Some(argument)).then(|| format!("{header} does not match"))
    })
}
