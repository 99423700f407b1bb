//! Turns and inputs with defaults.

use std::sync::Arc;

use agent::choice::Choice;
use agent::ids::Ids;
use agent::limits::Limits;
use agent::model::{
    Failure, Hints, ModelChoice, ModelError, ModelEvent, ModelRequest, ModelTool, Sampling, StopReason,
    ToolInput,
};
use agent::run::{Effect, Input, Run, Turn};
use agent::tool::{ClientTool, Decision, Ownership, ServerTool, ToolOutcome};
use protocol::Object;
use protocol::error::{ApiError, SERVER_ERROR};
use protocol::responses::content::Content;
use protocol::responses::item::{Item, ItemStatus, Message, MessageTag, Role};
use protocol::responses::response::{ReasoningConfig, Response, TextConfig};
use protocol::responses::usage::Usage;
use serde_json::json;

/// Names of the tools on offer: two of the client, one thought, four kinds of the server.
pub(crate) const TOOLS: [&str; 7] = ["weather", "shell", "think", "search", "web", "draw", "docs_read"];

pub(crate) struct Owners;

impl Ownership for Owners {
    fn decide(&self, name: &str) -> Decision {
        let own = |name: &str| name.to_owned();
        match name {
            "weather" => Decision::Client(ClientTool::Function { name: own(name), namespace: None }),
            "shell" => Decision::Client(ClientTool::Custom { name: own(name), namespace: None }),
            "think" => Decision::Server(ServerTool::Think),
            "search" => Decision::Server(ServerTool::FileSearch),
            "web" => Decision::Server(ServerTool::WebSearch),
            "draw" => Decision::Server(ServerTool::ImageGeneration),
            "docs_read" => Decision::Server(ServerTool::Mcp { server_label: own("docs"), name: own("read") }),
            other => Decision::Denied(format!("There is no tool {other}.")),
        }
    }
}

pub(crate) fn turn() -> Turn {
    Turn {
        response: response(),
        history: Vec::new(),
        input: vec![user("hi")],
        request: request(),
        tool_choice: Choice::Auto,
        max_tool_calls: None,
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
