//! The port to tools: who runs a call, and what a call returns.

use protocol::Object;
use protocol::responses::usage::Usage;
use serde_json::Value;

/// Names a call within a run; minted by the run.
pub type CallId = String;

/// A call that the model made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// `call_…`.
    pub id: CallId,
    /// The tool by the name the model was given.
    pub name: String,
    /// JSON text, or free text of a custom tool.
    pub arguments: String,
}

/// Decides for each call who runs it. Pure: made from objects and the request before the run.
pub trait Ownership {
    /// The decision for one call; a name that nobody offered is [`Decision::Denied`].
    fn decide(&self, name: &str) -> Decision;
}

/// Who runs a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The proxy, at once.
    Server(ServerTool),
    /// The client, after the turn.
    Client(ClientTool),
    /// Nobody: no item for the client, the model is told why and asked again.
    Denied(String),
}

/// What a server-run call looks like to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerTool {
    /// Shown as reasoning; counts no tool call.
    Think,
    /// A `file_search_call`; also agentic search.
    FileSearch,
    /// A `web_search_call`.
    WebSearch,
    /// An `image_generation_call`.
    ImageGeneration,
    /// An `mcp_call`.
    Mcp {
        /// The server.
        server_label: String,
        /// The tool's own name.
        name: String,
    },
}

/// What a client-run call looks like to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientTool {
    /// A `function_call`.
    Function {
        /// The client's own name.
        name: String,
        /// Where it was declared.
        namespace: Option<String>,
    },
    /// A `custom_tool_call`.
    Custom {
        /// The client's own name.
        name: String,
        /// Where it was declared.
        namespace: Option<String>,
    },
}

/// What a server-run call returned. A failed tool is a value that the model sees.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolOutcome {
    /// What the model is told.
    pub output: String,
    /// True if the tool failed.
    pub failed: bool,
    /// What the client's item shows: fields that are set in it, such as `queries` and `results` or `output` and `error`.
    pub shown: Object,
    /// Citations that the answer may use; kept for the end of the message.
    pub citations: Vec<Value>,
    /// Tokens that the tool spent on models.
    pub usage: Usage,
}

impl ToolOutcome {
    /// A plain answer.
    pub fn text(output: impl Into<String>) -> Self {
        Self { output: output.into(), ..Self::default() }
    }

    /// A failure that the model is told about.
    pub fn failure(output: impl Into<String>) -> Self {
        Self { output: output.into(), failed: true, ..Self::default() }
    }
}

/// A step of a server-run call that the client is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// The `type` of the event, such as `response.image_generation_call.partial_image`.
    pub event: &'static str,
    /// Its fields next to `item_id` and `output_index`.
    pub fields: Vec<(&'static str, Value)>,
}
