//! What a run is made of, what happens to it, and what it does.

use protocol::responses::event::Event;
use protocol::responses::item::Item;
use protocol::responses::response::Response;

use crate::choice::Choice;
use crate::finished::Finished;
use crate::model::{ModelError, ModelEvent, ModelRequest};
use crate::tool::{Approved, CallId, ListOutcome, Progress, Server, ServerTool, ToolCall, ToolOutcome};

/// A checked request with everything looked up.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// The echo: `in_progress`, with its id and without output.
    pub response: Response,
    /// Stored items before this turn, oldest first.
    pub history: Vec<Item>,
    /// This turn's own input, with ids.
    pub input: Vec<Item>,
    /// What every generation has in common. The run sets `items`, `tool_choice` and what is left of
    /// `sampling.max_output_tokens`, which here is the budget of the whole response.
    pub request: ModelRequest,
    /// Which tools may or must be called.
    pub tool_choice: Choice,
    /// Server-run calls of this response.
    pub max_tool_calls: Option<u64>,
    /// MCP servers whose tools are offered. What the context does not hold of them is listed first.
    pub servers: Vec<Server>,
    /// Calls of earlier turns that the client approved. The driver has made sure that each is taken once.
    pub approved: Vec<Approved>,
    /// Whether the client can be asked to approve a call; where it cannot, the model is told so.
    pub can_ask: bool,
    /// Whether the echo keeps its model even if the upstream names another one.
    pub keeps_model_name: bool,
}

/// What happened outside the run.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The model said something.
    Model(ModelEvent),
    /// The model failed for good; retries are over.
    ModelFailed(ModelError),
    /// A server was asked for its tools.
    Listed {
        /// The server.
        server_label: String,
        /// What came of it.
        outcome: ListOutcome,
    },
    /// A server-run call returned.
    ToolDone {
        /// The call.
        call: CallId,
        /// What it returned.
        outcome: ToolOutcome,
    },
    /// A server-run call went a step further.
    Progress {
        /// The call.
        call: CallId,
        /// The step.
        progress: Progress,
    },
    /// The run cannot go on, whatever it waits for: the process ends.
    Failed(ModelError),
    /// Nothing was sent for long.
    Quiet,
    /// The time of the run is over.
    Expired,
    /// Somebody ended the run.
    Cancelled,
}

/// What the driver does next, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Sends an event.
    Emit(Event),
    /// Starts a generation.
    CallModel(Box<ModelRequest>),
    /// Asks a server for its tools.
    ListTools(String),
    /// Starts a server-run call.
    CallTool {
        /// What runs it, as it was decided.
        tool: ServerTool,
        /// The call.
        call: ToolCall,
    },
    /// Drops the generation and all running calls.
    Abort,
    /// Ends the run; nothing follows.
    Finish(Box<Finished>),
}
