//! The port to models: what a run asks of a model, and what a model answers. Adapters translate.

use std::sync::Arc;

use protocol::Object;
use protocol::error::ApiError;
use protocol::responses::item::Item;
use protocol::responses::mcp::ListedTool;
use protocol::responses::response::{ReasoningConfig, TextConfig};
use protocol::responses::usage::Usage;
use serde_json::Value;

/// One call of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRequest {
    /// The model as the upstream names it.
    pub model: String,
    /// Goes in front of everything.
    pub instructions: Option<String>,
    /// The context, oldest first. Holds messages, reasoning, function and custom calls with their outputs, and
    /// unknown items; server-run calls stand here as function calls with outputs. Calls that were made together are
    /// followed by their outputs, in the same order.
    pub items: Arc<Vec<Item>>,
    /// What the model may call.
    pub tools: Arc<Vec<ModelTool>>,
    /// Which of them.
    pub tool_choice: ModelChoice,
    /// Sent only when the caller said so.
    pub parallel_tool_calls: Option<bool>,
    /// Sampling, sent only when given.
    pub sampling: Sampling,
    /// The form of the text; `verbosity` is sent only when it is not `medium`.
    pub text: TextConfig,
    /// How the model reasons.
    pub reasoning: ReasoningConfig,
    /// Whether to ask for sealed reasoning.
    pub encrypted_reasoning: bool,
    /// Whether to ask for token probabilities.
    pub logprobs: bool,
    /// Whether the answer shall be a stream.
    pub stream: bool,
    /// Forwarded where known.
    pub hints: Hints,
    /// Fields that only a native Responses upstream understands.
    pub native: Object,
}

/// Sampling parameters; absent ones are left to the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampling {
    /// 0 to 2.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// −2 to 2.
    pub presence_penalty: Option<f64>,
    /// −2 to 2.
    pub frequency_penalty: Option<f64>,
    /// 0 to 20.
    pub top_logprobs: Option<u8>,
    /// What is left of the response's budget.
    pub max_output_tokens: Option<u64>,
    /// At most four.
    pub stop: Vec<String>,
    /// For models that can repeat themselves.
    pub seed: Option<i64>,
}

/// Values that an upstream may use and that change no meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// The end user.
    pub user: Option<String>,
    /// The end user, hashed by the caller.
    pub safety_identifier: Option<String>,
    /// Groups requests that share a prefix.
    pub prompt_cache_key: Option<String>,
    /// `in_memory` or `24h`.
    pub prompt_cache_retention: Option<String>,
    /// `auto`, `default`, `flex`, …
    pub service_tier: Option<String>,
}

/// A tool as the model sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelTool {
    /// Unique within the request.
    pub name: String,
    /// What the model reads.
    pub description: Option<String>,
    /// What it takes.
    pub input: ToolInput,
}

impl ModelTool {
    /// A tool of an MCP server under the name that the model sees; a schema that is no object takes an empty object.
    pub(crate) fn remote(name: String, tool: ListedTool) -> Self {
        let parameters = Some(tool.input_schema).filter(Value::is_object);
        Self {
            name,
            description: tool.description,
            input: ToolInput::Schema { parameters, strict: Some(false) },
        }
    }
}

/// What a tool takes.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolInput {
    /// JSON of a schema; `None` takes an empty object.
    Schema {
        /// A JSON Schema.
        parameters: Option<Value>,
        /// Whether arguments must fit.
        strict: Option<bool>,
    },
    /// Free text, perhaps of a grammar.
    Text {
        /// `{"type":"text"}` or a grammar, as the caller gave it.
        format: Option<Value>,
    },
}

/// Which tools the model may or must call in this generation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ModelChoice {
    /// As it likes.
    #[default]
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one, by the name the model sees.
    Tool(String),
}

/// A piece of an answer. Indices tell parallel parts apart and have no other meaning.
///
/// Laws of a decoder: `ToolStart` before its `ToolArguments` before its `ToolEnd`; exactly one `Stop` or error, last.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelEvent {
    /// The answer begins.
    Start {
        /// The model that really answers.
        model: Option<String>,
    },
    /// Raw reasoning, to be appended.
    ReasoningDelta {
        /// Which reasoning.
        index: u32,
        /// The text.
        text: String,
    },
    /// A summary of reasoning, to be appended.
    SummaryDelta {
        /// Which reasoning.
        index: u32,
        /// Which part of its summary, from 0.
        part: u32,
        /// The text.
        text: String,
    },
    /// Sealed reasoning that must survive the round trip; ends the reasoning of this index.
    ReasoningSealed {
        /// Which reasoning.
        index: u32,
        /// Opaque.
        encrypted: String,
    },
    /// Text, to be appended to the message.
    TextDelta {
        /// The text.
        text: String,
        /// Token probabilities.
        logprobs: Vec<Value>,
    },
    /// A refusal, to be appended.
    RefusalDelta {
        /// The text.
        text: String,
    },
    /// A citation of the upstream, such as `url_citation`; offsets count code points of the message's text.
    Annotation {
        /// As it stands in `annotations`.
        annotation: Value,
    },
    /// A call begins.
    ToolStart {
        /// Which call.
        index: u32,
        /// The tool by the name the model was given.
        name: String,
    },
    /// Arguments, to be appended: JSON text, or free text of a custom tool.
    ToolArguments {
        /// Which call.
        index: u32,
        /// The fragment.
        fragment: String,
    },
    /// The arguments are whole; those of a function parse as a JSON object.
    ToolEnd {
        /// Which call.
        index: u32,
    },
    /// Tokens of this generation; the last one wins.
    Usage(Usage),
    /// The answer is complete.
    Stop(StopReason),
}

/// Why a generation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The model was done.
    Stop,
    /// It made calls.
    Tool,
    /// It reached `max_output_tokens` or its context.
    Length,
    /// A filter cut it off.
    Filter,
    /// It said something that we do not know.
    Other(String),
}

/// Why a generation failed, after all retries.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelError {
    /// What the client is told; holds no remote text of 5xx answers and no secret.
    pub error: ApiError,
    /// What happened, for retries, logs and metrics.
    pub cause: Failure,
}

/// What happened to a call of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No connection; nothing was sent.
    Connect,
    /// Too slow.
    Timeout,
    /// The upstream answered with this status.
    Status(u16),
    /// The answer ended too early.
    Truncated,
    /// The answer could not be understood, or held an error.
    Malformed,
    /// The request cannot be expressed for this upstream; nothing was sent.
    Unsupported,
    /// The tools of a server that the turn needs could not be had; no model was asked.
    Tools,
}
