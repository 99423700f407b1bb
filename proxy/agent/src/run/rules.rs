//! What the run adds to the decisions of its ownership, and the failures of its own.

use protocol::error::{ApiError, SERVER_ERROR};

use crate::choice::Pick;
use crate::model::{Failure, ModelError};
use crate::tool::{Decision, Owner, Ownership, ServerTool, ToolCall};

/// True if a call is one that `max_tool_calls` counts.
pub(super) fn counts(owner: &Owner) -> bool {
    match owner {
        Owner::Server(tool) => *tool != ServerTool::Think,
        Owner::Client(_) | Owner::Nobody(_) => false,
    }
}

/// The decision on a call; where nobody can be asked, the call is denied.
pub(super) fn decide(
    ownership: &impl Ownership,
    can_ask: bool,
    tool: &ServerTool,
    call: &ToolCall,
) -> Decision {
    let decision = ownership.decide(tool, call);
    let is_askable = can_ask && matches!(tool, ServerTool::Mcp { .. });
    if decision == Decision::Approval && !is_askable {
        let why = format!(
            "Not executed: the tool {} needs the user's approval, and there is no way to ask for it here.",
            call.name
        );
        return Decision::Denied(why);
    }
    decision
}

/// The turn must begin with a call of a tool that its server does not have.
pub(super) fn not_offered(pick: &Pick) -> ModelError {
    let name = match pick {
        Pick::Name(name) | Pick::Remote { tool: Some(name), .. } => name,
        Pick::Remote { server_label, tool: None } => server_label,
    };
    let message = format!("Tool choice '{name}' is not among the tools that its server offers here.");
    ModelError {
        error: ApiError::bad_request("invalid_value", "tool_choice", message),
        cause: Failure::Tools,
    }
}

pub(super) fn no_call() -> ModelError {
    let message = "The model made no tool call although the request requires one.";
    ModelError { error: ApiError::new(502, SERVER_ERROR, message), cause: Failure::Malformed }
}
