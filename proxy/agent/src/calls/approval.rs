//! The request for an approval: what the client sees of a call that waits for it.

use protocol::responses::item::{Item, McpApprovalRequest};

use crate::emit::Emitter;
use crate::tool::{ServerTool, ToolCall};

/// Shows the request. Only calls of MCP tools have one; [`crate::run`] refuses others before.
pub(super) fn ask(out: &mut Emitter, tool: &ServerTool, call: &ToolCall) {
    let ServerTool::Mcp { server_label, name } = tool else { return };
    let request = |id| {
        Item::McpApprovalRequest(McpApprovalRequest {
            id,
            arguments: call.arguments.clone(),
            name: name.clone(),
            server_label: server_label.clone(),
            ..McpApprovalRequest::default()
        })
    };
    let slot = out.add("mcpr_", request);
    let item = request(slot.item_id.clone());
    out.done(&slot, item);
}
