//! Server-run calls of earlier turns in the form in which a model reads calls.

use protocol::responses::item::{
    FileSearchCall, FunctionCall, ImageGenerationCall, Item, McpCall, WebSearchCall,
};
use serde_json::{Value, json};

use crate::context::{UNKNOWN, pair};

/// An item as the model reads it: a server-run call with its result, or the item itself; nothing where only the
/// client is concerned.
pub(super) fn render(item: Item) -> Vec<Item> {
    match item {
        Item::FileSearchCall(item) => file_search(&item).into(),
        Item::WebSearchCall(item) => web_search(&item).into(),
        Item::ImageGenerationCall(item) => image(&item).into(),
        Item::McpCall(item) => mcp(item).into(),
        Item::McpListTools(_)
        | Item::McpApprovalRequest(_)
        | Item::McpApprovalResponse(_)
        | Item::Reference(_) => Vec::new(),
        Item::Message(_)
        | Item::FunctionCall(_)
        | Item::FunctionCallOutput(_)
        | Item::CustomToolCall(_)
        | Item::CustomToolCallOutput(_)
        | Item::Reasoning(_)
        | Item::Compaction(_)
        | Item::Other(_) => vec![item],
    }
}

fn file_search(item: &FileSearchCall) -> [Item; 2] {
    let arguments = match item.queries.as_slice() {
        [query] => json!({ "query": query }),
        queries => json!({ "queries": queries }),
    };
    let output = item.results.as_ref().map(|results| Value::from(results.clone()).to_string());
    call(&item.id, "file_search", arguments.to_string(), output.as_deref().unwrap_or(UNKNOWN))
}

fn web_search(item: &WebSearchCall) -> [Item; 2] {
    let arguments = Value::Object(item.action.clone()).to_string();
    let output = item.rest.get("results").map(Value::to_string);
    call(
        &item.id,
        "web_search",
        arguments,
        output.as_deref().unwrap_or("Done; the answer uses what was found."),
    )
}

fn image(item: &ImageGenerationCall) -> [Item; 2] {
    let output = if item.result.is_some() {
        "The image was made and shown to the user."
    } else {
        "No image was made."
    };
    let prompt =
        item.rest.get("revised_prompt").map_or_else(|| json!({}), |prompt| json!({ "prompt": prompt }));
    call(&item.id, "image_generation", prompt.to_string(), output)
}

fn mcp(item: McpCall) -> [Item; 2] {
    let name = tool_name(&format!("{}_{}", item.server_label, item.name));
    let output = item.output.or_else(|| item.error.map(|error| format!("The call failed: {error}")));
    call(&item.id, &name, item.arguments, output.as_deref().unwrap_or(UNKNOWN))
}

fn call(id: &str, name: &str, arguments: String, output: &str) -> [Item; 2] {
    let call_id = format!("call_{}", id.rsplit('_').next().unwrap_or(id));
    pair(
        FunctionCall { call_id, name: name.to_owned(), arguments, ..FunctionCall::default() },
        output.to_owned(),
    )
}

/// A name that every upstream accepts: `^[a-zA-Z0-9_-]{1,64}$`.
fn tool_name(text: &str) -> String {
    let legal = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    text.chars().map(legal).take(64).collect()
}
