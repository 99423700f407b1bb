//! The texts of an item, to count them.

use protocol::responses::content::Content;
use protocol::responses::item::{Item, Output};

/// Hands every text of an item that a model reads or wrote to `take`.
pub fn texts(item: &Item, mut take: impl FnMut(&str)) {
    match item {
        Item::Message(item) => parts(&item.content, take),
        Item::Reasoning(item) => parts(&item.content, take),
        Item::FunctionCall(item) => {
            take(&item.name);
            take(&item.arguments);
        }
        Item::CustomToolCall(item) => {
            take(&item.name);
            take(&item.input);
        }
        Item::FunctionCallOutput(item) => output(&item.output, take),
        Item::CustomToolCallOutput(item) => output(&item.output, take),
        Item::McpCall(item) => {
            take(&item.name);
            take(&item.arguments);
            item.output.iter().for_each(|output| take(output));
        }
        Item::McpApprovalRequest(item) => {
            take(&item.name);
            take(&item.arguments);
        }
        Item::FileSearchCall(_)
        | Item::WebSearchCall(_)
        | Item::ImageGenerationCall(_)
        | Item::McpListTools(_)
        | Item::McpApprovalResponse(_)
        | Item::Compaction(_)
        | Item::Reference(_)
        | Item::Other(_) => {}
    }
}

/// The bytes of all texts of an item.
pub fn length(item: &Item) -> usize {
    let mut length = 0;
    texts(item, |text| length += text.len());
    length
}

fn output(output: &Output, mut take: impl FnMut(&str)) {
    match output {
        Output::Text(text) => take(text),
        Output::Parts(content) => parts(content, take),
    }
}

fn parts(content: &[Content], take: impl FnMut(&str)) {
    content.iter().filter_map(Content::text).for_each(take);
}
