//! Token counts: a word is a token.

use serde_json::Value;

use super::script::{Part, Say, Usage};

/// Input and output tokens of an answer to `request`; `None` where the script leaves them out.
pub(super) fn count(say: &Say, request: &Value) -> Option<(u64, u64)> {
    match say.usage {
        Usage::Absent => None,
        Usage::Exact { input, output } => Some((input, output)),
        Usage::Counted => {
            let prompt = request.get("messages").or_else(|| request.get("input"));
            let input = prompt.map_or(0, words_within);
            Some((input, say.parts.iter().map(part_words).sum()))
        }
    }
}

/// The words of a text.
pub(super) fn words(text: &str) -> u64 {
    u64::try_from(text.split_whitespace().count()).unwrap_or_default()
}

fn words_within(value: &Value) -> u64 {
    match value {
        Value::String(text) => words(text),
        Value::Array(values) => values.iter().map(words_within).sum(),
        Value::Object(fields) => fields.values().map(words_within).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

fn part_words(part: &Part) -> u64 {
    match part {
        Part::Text(chunks) | Part::Reasoning(chunks) | Part::Refusal(chunks) => words(&chunks.concat()),
        Part::Call(call) => 1 + words(&call.arguments.concat()),
    }
}
