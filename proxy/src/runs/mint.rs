//! Ids for input items that the caller did not name.

use agent::ids::Ids;
use protocol::responses::item::Item;

/// Gives an id to an item that has none.
pub fn mint(item: &mut Item, ids: &mut Ids) {
    let (id, prefix) = match item {
        Item::Message(item) => (&mut item.id, "msg_"),
        Item::FunctionCall(item) => (&mut item.id, "fc_"),
        Item::FunctionCallOutput(item) => (&mut item.id, "fco_"),
        Item::CustomToolCall(item) => (&mut item.id, "ctc_"),
        Item::CustomToolCallOutput(item) => (&mut item.id, "ctco_"),
        Item::Reasoning(item) => (&mut item.id, "rs_"),
        Item::FileSearchCall(item) => (&mut item.id, "fs_"),
        Item::WebSearchCall(item) => (&mut item.id, "ws_"),
        Item::ImageGenerationCall(item) => (&mut item.id, "ig_"),
        Item::McpListTools(item) => (&mut item.id, "mcpl_"),
        Item::McpCall(item) => (&mut item.id, "mcp_"),
        Item::McpApprovalRequest(item) => (&mut item.id, "mcpr_"),
        Item::McpApprovalResponse(item) => (&mut item.id, "mcpr_"),
        Item::Compaction(item) => (&mut item.id, "cmp_"),
        Item::Reference(item) => (&mut item.id, "msg_"),
        Item::Other(item) => {
            if !item.contains_key("id") {
                let is_code = item.get("type").is_some_and(|kind| kind == "code_interpreter_call");
                let prefix = if is_code { "ci_" } else { "item_" };
                item.shift_insert(0, "id".to_owned(), ids.mint(prefix).into());
            }
            return;
        }
    };
    if id.is_empty() {
        *id = ids.mint(prefix);
    }
}
