//! What a reader of an item sees: data is stored in full, and `include` acts on each read.

use serde_json::Value;

use crate::Object;
use crate::responses::content::Content;
use crate::responses::item::Item;
use crate::responses::request::Include;

/// True if [`conceal`] would change `item`.
pub fn needs_concealing(item: &Item, include: &[Include]) -> bool {
    let hides = |what: Include| !include.contains(&what);
    match item {
        Item::Message(message) => message.content.iter().any(|part| part_needs(part, include)),
        Item::Reasoning(item) => item.encrypted_content.is_some() && hides(Include::EncryptedReasoning),
        Item::FileSearchCall(item) => item.results.is_some() && hides(Include::FileSearchResults),
        Item::WebSearchCall(item) => {
            item.rest.contains_key("results") && hides(Include::WebSearchResults)
                || item.action.contains_key("sources") && hides(Include::WebSearchSources)
        }
        Item::Other(item) => other_needs(item, include),
        Item::FunctionCall(_)
        | Item::FunctionCallOutput(_)
        | Item::CustomToolCall(_)
        | Item::CustomToolCallOutput(_)
        | Item::ImageGenerationCall(_)
        | Item::McpListTools(_)
        | Item::McpCall(_)
        | Item::McpApprovalRequest(_)
        | Item::McpApprovalResponse(_)
        | Item::Compaction(_)
        | Item::Reference(_) => false,
    }
}

/// Hides everything in `item` that `include` does not ask for.
pub fn conceal(item: &mut Item, include: &[Include]) {
    if !needs_concealing(item, include) {
        return;
    }
    match item {
        Item::Message(message) => message.content.iter_mut().for_each(|part| conceal_part(part, include)),
        Item::Reasoning(item) => item.encrypted_content = None,
        Item::FileSearchCall(item) => item.results = None,
        Item::WebSearchCall(item) => {
            if !include.contains(&Include::WebSearchResults) {
                item.rest.shift_remove("results");
            }
            if !include.contains(&Include::WebSearchSources) {
                item.action.shift_remove("sources");
            }
        }
        Item::Other(item) => conceal_other(item),
        Item::FunctionCall(_)
        | Item::FunctionCallOutput(_)
        | Item::CustomToolCall(_)
        | Item::CustomToolCallOutput(_)
        | Item::ImageGenerationCall(_)
        | Item::McpListTools(_)
        | Item::McpCall(_)
        | Item::McpApprovalRequest(_)
        | Item::McpApprovalResponse(_)
        | Item::Compaction(_)
        | Item::Reference(_) => {}
    }
}

/// Hides everything in a part that `include` does not ask for.
pub fn conceal_part(part: &mut Content, include: &[Include]) {
    match part {
        Content::InputImage(image) if !include.contains(&Include::InputImageUrl) => image.image_url = None,
        Content::OutputText(text) if !include.contains(&Include::Logprobs) => text.logprobs.clear(),
        Content::InputImage(_)
        | Content::OutputText(_)
        | Content::InputText(_)
        | Content::InputFile(_)
        | Content::Refusal(_)
        | Content::ReasoningText(_)
        | Content::SummaryText(_)
        | Content::Other(_) => {}
    }
}

fn part_needs(part: &Content, include: &[Include]) -> bool {
    match part {
        Content::InputImage(image) => image.image_url.is_some() && !include.contains(&Include::InputImageUrl),
        Content::OutputText(text) => !text.logprobs.is_empty() && !include.contains(&Include::Logprobs),
        Content::InputText(_)
        | Content::InputFile(_)
        | Content::Refusal(_)
        | Content::ReasoningText(_)
        | Content::SummaryText(_)
        | Content::Other(_) => false,
    }
}

fn other_needs(item: &Object, include: &[Include]) -> bool {
    match item.get("type").and_then(Value::as_str) {
        Some("computer_call_output") => {
            let output = item.get("output").and_then(Value::as_object);
            output.is_some_and(|output| output.contains_key("image_url"))
                && !include.contains(&Include::ComputerOutputImageUrl)
        }
        Some("code_interpreter_call") => {
            item.get("outputs").is_some_and(|outputs| !outputs.is_null())
                && !include.contains(&Include::CodeInterpreterOutputs)
        }
        _ => false,
    }
}

fn conceal_other(item: &mut Object) {
    if let Some(output) = item.get_mut("output").and_then(Value::as_object_mut) {
        output.shift_remove("image_url");
    }
    if let Some(outputs) = item.get_mut("outputs") {
        *outputs = Value::Null;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_value_shows_its_own_field_and_no_other() {
        let full = [
            json!({"type": "file_search_call", "status": "completed", "queries": ["q"], "results": [{"text": "t"}]}),
            json!({"type": "web_search_call", "status": "completed", "action": {"type": "search"}, "results": [1]}),
            json!({"type": "web_search_call", "status": "completed", "action": {"type": "search", "sources": [1]}}),
            json!({"type": "message", "status": "completed", "role": "user", "content":
                [{"type": "input_image", "detail": "auto", "image_url": "https://x/y.png"}]}),
            json!({"type": "computer_call_output", "call_id": "c", "output":
                {"type": "computer_screenshot", "image_url": "u"}}),
            json!({"type": "code_interpreter_call", "code": "1", "outputs": [{"type": "logs"}]}),
            json!({"type": "reasoning", "summary": [], "content": [], "encrypted_content": "sealed"}),
            json!({"type": "message", "status": "completed", "role": "assistant", "content":
                [{"type": "output_text", "annotations": [], "logprobs": [{"token": "a"}], "text": "a"}]}),
        ];
        for (shown, value) in Include::ALL.into_iter().zip(full) {
            let item: Item = serde_json::from_value(value).unwrap();
            let others: Vec<Include> = Include::ALL.into_iter().filter(|other| *other != shown).collect();
            let (mut kept, mut hidden) = (item.clone(), item.clone());
            assert!(!needs_concealing(&item, &[shown]), "{shown:?}");
            conceal(&mut kept, &[shown]);
            assert_eq!(kept, item, "{shown:?}");
            assert!(needs_concealing(&item, &others), "{shown:?}");
            conceal(&mut hidden, &others);
            assert_ne!(hidden, item, "{shown:?}");
            assert!(!needs_concealing(&hidden, &[]), "{shown:?}");
        }
    }

    #[test]
    fn hidden_fields_are_null_or_absent_as_on_openai() {
        let concealed = |value: Value| {
            let mut item: Item = serde_json::from_value(value).unwrap();
            conceal(&mut item, &[]);
            serde_json::to_string(&item).unwrap()
        };
        let search = json!({"id": "fs_1", "type": "file_search_call", "status": "completed", "queries": [], "results": []});
        assert!(concealed(search).ends_with(r#""results":null}"#));
        let reasoning = json!({"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "x"});
        assert_eq!(concealed(reasoning), r#"{"id":"rs_1","type":"reasoning","summary":[],"content":[]}"#);
        let call = json!({"type": "code_interpreter_call", "outputs": [1]});
        assert_eq!(concealed(call), r#"{"type":"code_interpreter_call","outputs":null}"#);
    }
}
