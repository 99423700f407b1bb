//! The port to an MCP server of one request: its tools, its rules and its calls.

use agent::tool::{Decision, ListOutcome, Origin, ToolCall, ToolOutcome};
use async_trait::async_trait;
use protocol::responses::mcp::ListedTool;

use crate::progress::Reporter;

/// A server as one request reaches it, with the credentials and under the rules that hold for the caller.
///
/// Rules only tighten: what the request says of allowed tools and approvals is added by the toolbox.
#[async_trait]
pub trait Remote: Send + Sync {
    /// Whether the response fails if the tools cannot be listed.
    fn is_required(&self) -> bool;

    /// What the model reads about the server.
    fn description(&self) -> Option<&str> {
        None
    }

    /// Whether the caller may use a tool at all. Asked once for each listed tool, before anything else about it.
    fn allows(&self, tool: &ListedTool, origin: Origin) -> bool;

    /// Whether it is believed of a tool that it changes nothing. A caller can write a list that comes from the context.
    fn is_read_only(&self, tool: &ListedTool, origin: Origin) -> bool;

    /// What the rules say of a call of the tool with this name of the server's own; `asked` is whether the request wants
    /// an approval of it.
    fn decide(&self, tool: &str, call: &ToolCall, asked: bool) -> Decision;

    /// Asks for the tools. Infallible: a failure is an outcome.
    async fn list(&self) -> ListOutcome;

    /// Runs a call. Infallible: a failed tool is an outcome that the model sees.
    async fn call(&self, tool: &str, call: &ToolCall, progress: &Reporter) -> ToolOutcome;
}
