//! The port to a built-in tool: a hosted type of the API that this process can run.

use std::collections::BTreeMap;
use std::sync::Arc;

use agent::model::ModelTool;
use agent::tool::{Decision, ServerTool, ToolCall, ToolOutcome};
use async_trait::async_trait;
use protocol::error::ApiError;
use protocol::responses::tool::HostedTool;

use crate::progress::Reporter;

/// Built-in tools by their type, as requests write it.
pub type Builtins = BTreeMap<String, Arc<dyn Builtin>>;

/// Tools of one hosted type, as one request reaches them.
pub trait Builtin: Send + Sync {
    /// What the model may call for a tool of the request, which stands at `param`. May be nothing: policies withhold.
    ///
    /// Errors: 400 for settings of the tool that cannot be obeyed.
    fn offer(&self, tool: &HostedTool, param: &str) -> Result<Vec<Offer>, ApiError>;
}

/// A function that the model may call, and what runs it.
pub struct Offer {
    /// What the model sees.
    pub model: ModelTool,
    /// What the client sees.
    pub tool: ServerTool,
    /// What runs it.
    pub executor: Arc<dyn Executor>,
}

/// Runs the calls of one kind of tool.
#[async_trait]
pub trait Executor: Send + Sync {
    /// The kind of tool, for metrics and logs.
    fn label(&self) -> &'static str;

    /// Whether a turn that must begin with its type may begin with it.
    fn is_entry(&self) -> bool {
        true
    }

    /// Whether a call may run. Asked once its arguments are whole.
    fn decide(&self, _call: &ToolCall) -> Decision {
        Decision::Run
    }

    /// Runs a call. Infallible: a failed tool is an outcome that the model sees.
    async fn execute(&self, call: &ToolCall, progress: &Reporter) -> ToolOutcome;
}
