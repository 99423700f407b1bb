//! `web_search_options`: what upstreams know as an option is a tool of the server here.

use protocol::chat::request::ChatRequest;
use protocol::responses::tool::{HostedTool, Tool};
use serde_json::Value;
use tools::web_search::{FAMILY, is_meant};

use crate::live::build::Runtime;

/// The tool that `web_search_options` ask for, in a turn of the agent loop. Nothing where the gateway has none or the request
/// names the tool itself.
pub(super) fn web_search(chat: &ChatRequest, runtime: &Runtime) -> Option<Tool> {
    let Some(Value::Object(options)) = chat.raw.get("web_search_options") else { return None };
    let is_named = chat.server_tools.iter().any(|tool| is_meant(tool.kind()));
    if is_named || !runtime.searches_the_web() {
        return None;
    }
    Some(Tool::Hosted(HostedTool { kind: FAMILY.to_owned(), fields: options.clone() }))
}
