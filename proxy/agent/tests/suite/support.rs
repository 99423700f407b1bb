//! Turns and inputs with defaults.

use std::sync::Arc;

use agent::choice::{Choice, Pick};
use agent::ids::Ids;
use agent::limits::Limits;
use agent::model::{
    Failure, Hints, ModelChoice, ModelError, ModelEvent, ModelRequest, ModelTool, Sampling, StopReason,
    ToolInput,
};
use agent::run::{Effect, Input, Run, Turn};
use agent::tool::{
    ClientTool, Decision, ListOutcome, Listing, Owner, Ownership, Server, ServerTool, ToolCall, ToolOutcome,
};
use protocol::Object;
use protocol::error::{ApiError, SERVER_ERROR};
use protocol::responses::content::Content;
use protocol::responses::item::{Item, ItemStatus, Message, MessageTag, Role};
use protocol::responses::mcp::{ListedTool, McpError};
use protocol::responses::response::{ReasoningConfig, Response, TextConfig};
use protocol::responses::usage::Usage;
use serde_json::json;

/// Names of the tools on offer: two of the client, one thought, four kinds of the server.
pub(crate) const TOOLS: [&str; 7] = ["weather", "shell", "think", "search", "web", "draw", "docs_read"];

/// The same, and one that is known and not on offer.
pub(crate) const CALLED: [&str; 8] =
    ["weather", "shell", "think", "search", "web", "draw", "docs_read", "python"];

/// Of the tools of servers, `hidden` is offered to nobody, `ask` needs approval and `forbidden` is denied; so are calls
/// of any tool with `danger` in their arguments.
#[derive(Default)]
pub(crate) struct Owners;

impl Ownership for Owners {
    fn owner(&self, name: &str) -> Owner {
        let own = |name: &str| name.to_owned();
        match name {
            "weather" => Owner::Client(ClientTool::Function { name: own(name), namespace: None }),
            "shell" => Owner::Client(ClientTool::Custom { name: own(name), namespace: None }),
            "think" => Owner::Server(ServerTool::Think),
            "search" => Owner::Server(ServerTool::FileSearch),
            "web" => Owner::Server(ServerTool::WebSearch),
            "draw" => Owner::Server(ServerTool::ImageGeneration),
            "python" => Owner::Server(ServerTool::CodeInterpreter),
            "docs_read" => Owner::Server(ServerTool::Mcp { server_label: own("docs"), name: own("read") }),
            other => Owner::Nobody(format!("There is no tool {other}.")),
        }
    }

    fn listed(&mut self, _: &str, listing: &Listing) -> Vec<ListedTool> {
        listing.tools.iter().filter(|tool| tool.name != "hidden").cloned().collect()
    }

    fn decide(&self, tool: &ServerTool, call: &ToolCall) -> Decision {
        match tool {
            _ if call.arguments.contains("danger") => Decision::Denied("Too dangerous.".to_owned()),
            ServerTool::Mcp { name, .. } if name == "ask" => Decision::Approval,
            ServerTool::Mcp { name, .. } if name == "forbidden" => Decision::Denied("Forbidden.".to_owned()),
            _ => Decision::Run,
        }
    }
}

/// Tools of a server by their names.
pub(crate) fn tools(names: &[&str]) -> Vec<ListedTool> {
    let tool = |name: &&str| ListedTool {
        name: (*name).to_owned(),
        input_schema: json!({"type": "object"}),
        ..ListedTool::default()
    };
    names.iter().map(tool).collect()
}

pub(crate) fn listed(server_label: &str, names: &[&str]) -> Input {
    Input::Listed { server_label: server_label.to_owned(), outcome: ListOutcome::Listed(tools(names)) }
}

pub(crate) fn unlisted(server_label: &str) -> Input {
    let error = McpError::Http { code: 502, message: "The server cannot be reached.".to_owned() };
    Input::Listed { server_label: server_label.to_owned(), outcome: ListOutcome::Failed(error) }
}

pub(crate) fn server(label: &str, is_required: bool) -> Server {
    Server { label: label.to_owned(), is_required }
}

/// A turn that offers the tools of one server.
pub(crate) fn remote_turn() -> Turn {
    Turn { servers: vec![server("wiki", true)], ..turn() }
}

pub(crate) fn items(items: serde_json::Value) -> Vec<Item> {
    serde_json::from_value(items).expect("items")
}

pub(crate) fn picks(names: &[&str]) -> Vec<Pick> {
    names.iter().map(|name| Pick::Name((*name).to_owned())).collect()
}

pub(crate) fn turn() -> Turn {
    Turn {
        response: response(),
        history: Vec::new(),
        input: vec![user("hi")],
        request: request(),
        tool_choice: Choice::Auto,
        max_tool_calls: None,
        servers: Vec::new(),
        approved: Vec::new(),
        can_ask: true,
        keeps_model_name: false,
    }
}

pub(crate) fn run(turn: Turn) -> Run<Owners> {
    limited(turn, Limits::default())
}

pub(crate) fn limited(turn: Turn, limits: Limits) -> Run<Owners> {
    Run::new(turn, Owners, limits, Ids::new([7; 32], 0))
}

pub(crate) fn drain(run: &mut Run<Owners>) -> Vec<Effect> {
    std::iter::from_fn(|| run.poll()).collect()
}

pub(crate) fn user(text: &str) -> Item {
    Item::Message(Message {
        id: "msg_in".to_owned(),
        tag: MessageTag,
        status: ItemStatus::Completed,
        content: vec![Content::input_text(text)],
        role: Role::User,
        rest: Object::new(),
    })
}

pub(crate) fn text(delta: &str) -> Input {
    Input::Model(ModelEvent::TextDelta { text: delta.to_owned(), logprobs: Vec::new() })
}

pub(crate) fn reasoning(index: u32, delta: &str) -> Input {
    Input::Model(ModelEvent::ReasoningDelta { index, text: delta.to_owned() })
}

pub(crate) fn start(index: u32, name: &str) -> Input {
    Input::Model(ModelEvent::ToolStart { index, name: name.to_owned() })
}

pub(crate) fn arguments(index: u32, fragment: &str) -> Input {
    Input::Model(ModelEvent::ToolArguments { index, fragment: fragment.to_owned() })
}

pub(crate) fn end(index: u32) -> Input {
    Input::Model(ModelEvent::ToolEnd { index })
}

/// A whole call.
pub(crate) fn call(index: u32, name: &str, fragment: &str) -> [Input; 3] {
    [start(index, name), arguments(index, fragment), end(index)]
}

pub(crate) fn usage(input: u64, output: u64) -> Input {
    Input::Model(ModelEvent::Usage(Usage::new(input, output)))
}

pub(crate) fn stop(reason: StopReason) -> Input {
    Input::Model(ModelEvent::Stop(reason))
}

pub(crate) fn failed() -> Input {
    let error = ApiError::new(502, SERVER_ERROR, "The model server cannot be reached.");
    Input::ModelFailed(ModelError { error, cause: Failure::Connect })
}

/// The process ends.
pub(crate) fn ended() -> Input {
    let error = ApiError::new(503, SERVER_ERROR, "The server is shutting down.");
    Input::Failed(ModelError { error, cause: Failure::Truncated })
}

pub(crate) fn done(call: &str, outcome: ToolOutcome) -> Input {
    Input::ToolDone { call: call.to_owned(), outcome }
}

fn request() -> ModelRequest {
    let tool = |name: &str| {
        let input = ToolInput::Schema { parameters: None, strict: None };
        ModelTool { name: name.to_owned(), description: None, input }
    };
    ModelRequest {
        model: "m".to_owned(),
        instructions: None,
        items: Arc::default(),
        tools: Arc::new(TOOLS.map(tool).into()),
        tool_choice: ModelChoice::Auto,
        parallel_tool_calls: None,
        sampling: Sampling::default(),
        text: TextConfig::default(),
        reasoning: ReasoningConfig::default(),
        encrypted_reasoning: false,
        logprobs: false,
        stream: true,
        hints: Hints::default(),
        native: Object::new(),
    }
}

fn response() -> Response {
    let echo = json!({
        "id": "resp_1", "object": "response", "created_at": 1, "status": "in_progress", "background": false,
        "completed_at": null, "error": null, "incomplete_details": null, "instructions": null,
        "max_output_tokens": null, "max_tool_calls": null, "model": "m", "output": [],
        "parallel_tool_calls": true, "previous_response_id": null, "conversation": null, "prompt": null,
        "prompt_cache_key": null, "prompt_cache_retention": null, "reasoning": {}, "safety_identifier": null,
        "service_tier": "auto", "store": true, "temperature": 1.0, "text": {"format": {"type": "text"}},
        "tool_choice": "auto", "tools": [], "top_logprobs": 0, "top_p": 1.0, "presence_penalty": 0.0,
        "frequency_penalty": 0.0, "truncation": "disabled", "usage": null, "user": null, "metadata": {},
        "moderation": null,
    });
    serde_json::from_value(echo).expect("a response")
}
