//! The port to tools: who runs a call, and what a call returns.

use protocol::Object;
use protocol::responses::mcp::{ListedTool, McpError};
use protocol::responses::usage::{ImageUsage, Usage};
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

/// Decides who runs a call. Pure: made from objects and the request before the run.
pub trait Ownership {
    /// Who runs a tool that was offered from the start, by the name that the model sees. Asked when a call begins, before
    /// its arguments are known.
    fn owner(&self, name: &str) -> Owner;

    /// Takes the tools of a server and returns those that the model may call, as it shall see them. Asked once for each
    /// server that the turn names and that could be listed, in the order of the turn.
    fn listed(&mut self, server_label: &str, listing: &Listing) -> Vec<ListedTool>;

    /// Whether a server-run call may run. Asked once its arguments are whole, and again before an approved call runs.
    fn decide(&self, tool: &ServerTool, call: &ToolCall) -> Decision;
}

/// Who runs a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The proxy, at once.
    Server(ServerTool),
    /// The client, after the turn.
    Client(ClientTool),
    /// Nobody: no item for the client, the model is told why and asked again.
    Nobody(String),
}

/// What happens with a server-run call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It runs.
    Run,
    /// The client is asked first: the turn ends with the request. Means the same as `Run` for a call that was approved.
    Approval,
    /// It does not run: its item fails, and the model is told why.
    Denied(String),
}

/// A server whose tools a turn offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Unique within the turn.
    pub label: String,
    /// Whether the response fails if the tools cannot be listed.
    pub is_required: bool,
}

/// The tools of a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing {
    /// In the server's order.
    pub tools: Vec<ListedTool>,
    /// Where they come from.
    pub origin: Origin,
}

/// Where a listing comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The server was asked in this turn.
    Server,
    /// The context holds it. A caller can write context: what such a list claims of a tool must not loosen a rule.
    Context,
}

/// What came of asking a server for its tools.
#[derive(Clone, Debug, PartialEq)]
pub enum ListOutcome {
    /// Its tools, as far as the caller may see them. What the request allows is left to [`Ownership::listed`]: a later turn
    /// may allow more.
    Listed(Vec<ListedTool>),
    /// It could not be asked. Of a JSON-RPC error only the code is shown.
    Failed(McpError),
}

/// A call that the client approved: it runs once, before the model is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    /// `mcpr_…`.
    pub request_id: String,
    /// The server.
    pub server_label: String,
    /// The tool's own name.
    pub name: String,
    /// As the model wrote them when it asked.
    pub arguments: String,
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
    /// A `code_interpreter_call`.
    CodeInterpreter,
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
    /// Why it failed, of an MCP call; `None` shows `output` as what the tool said.
    pub error: Option<McpError>,
    /// What the client's item shows: fields that are set in it, such as `queries` and `results` or `output` and `error`.
    pub shown: Object,
    /// What further items of the same kind show: a call may make more than one image.
    pub further: Vec<Object>,
    /// What the answer may cite: a Markdown link to one of them becomes an annotation.
    pub sources: Vec<Source>,
    /// Tokens that the tool spent on models.
    pub usage: Usage,
    /// Those of them that went into images.
    pub image_usage: Option<Box<ImageUsage>>,
}

/// A page that an answer may cite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where it is.
    pub url: String,
    /// What it is called.
    pub title: String,
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

    /// A failure of an MCP call.
    pub fn mcp_failure(error: McpError) -> Self {
        Self { output: error.text(), failed: true, error: Some(error), ..Self::default() }
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
