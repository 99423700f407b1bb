//! Chunks of an upstream back to the completion that they stream, to store it.

use serde_json::{Value, json};

use crate::Object;

/// Folds chunks. What no chunk gave stays as a completion without a reply has it.
#[derive(Clone, Debug, Default)]
pub struct Accumulator {
    head: Object,
    choices: Vec<Object>,
}

/// Texts of a delta that are appended; every other field is replaced.
const TEXTS: [&str; 4] = ["content", "refusal", "reasoning_content", "reasoning"];

impl Accumulator {
    /// Adds one chunk. An object without `choices` changes nothing.
    pub fn add(&mut self, mut chunk: Object) {
        let Some(Value::Array(choices)) = chunk.shift_remove("choices") else { return };
        for (key, value) in chunk {
            if !value.is_null() || !self.head.contains_key(&key) {
                self.head.insert(key, value);
            }
        }
        choices.into_iter().filter_map(into_object).for_each(|choice| self.choice(choice));
    }

    /// The completion; `None` if no chunk came.
    pub fn finish(self) -> Option<Object> {
        let mut whole = self.head;
        whole.get("id")?;
        whole.insert("object".to_owned(), "chat.completion".into());
        whole.insert("choices".to_owned(), self.choices.into_iter().map(Value::Object).collect());
        Some(whole)
    }

    fn choice(&mut self, mut choice: Object) {
        let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
        let known = self.choices.iter().position(|known| known.get("index") == Some(&index.into()));
        let place = known.unwrap_or_else(|| {
            self.choices.push(begun(index));
            self.choices.len() - 1
        });
        let whole = &mut self.choices[place];
        if let Some(delta) = choice.shift_remove("delta").and_then(into_object) {
            fold(&mut whole["message"], delta);
        }
        match choice.shift_remove("logprobs") {
            None | Some(Value::Null) => {}
            Some(more) => add_logprobs(&mut whole["logprobs"], more),
        }
        ["index", "message"].iter().for_each(|key| drop(choice.shift_remove(*key)));
        whole.extend(choice.into_iter().filter(|(_, value)| !value.is_null()));
    }
}

fn begun(index: u64) -> Object {
    let message = json!({"role": "assistant", "content": null, "refusal": null});
    let choice = json!({"index": index, "message": message, "logprobs": null, "finish_reason": null});
    into_object(choice).unwrap_or_default()
}

fn fold(message: &mut Value, delta: Object) {
    for (key, value) in delta.into_iter().filter(|(_, value)| !value.is_null()) {
        let known = slot(message, &key);
        match (key.as_str(), value) {
            (key, Value::String(more)) if TEXTS.contains(&key) => append(known, &more),
            ("tool_calls", Value::Array(pieces)) => {
                pieces.into_iter().filter_map(into_object).for_each(|piece| add_call(known, piece));
            }
            ("annotations", Value::Array(more)) => extend(known, more),
            ("function_call", Value::Object(piece)) => add_named(known, piece),
            (_, other) => *known = other,
        }
    }
}

/// Pieces of one call share its `index`, which the completion does not show.
fn add_call(calls: &mut Value, mut piece: Object) {
    if !calls.is_array() {
        *calls = json!([]);
    }
    let Value::Array(calls) = calls else { return };
    let index = piece.shift_remove("index").and_then(|index| usize::try_from(index.as_u64()?).ok());
    let index = index.unwrap_or_default().min(calls.len());
    if index == calls.len() {
        calls.push(json!({}));
    }
    for (key, value) in piece.into_iter().filter(|(_, value)| !value.is_null()) {
        let known = slot(&mut calls[index], &key);
        if let Value::Object(inner) = value {
            add_named(known, inner);
        } else {
            *known = value;
        }
    }
}

/// Names are replaced, texts appended.
fn add_named(whole: &mut Value, piece: Object) {
    for (key, value) in piece.into_iter().filter(|(_, value)| !value.is_null()) {
        let known = slot(whole, &key);
        match value.as_str() {
            Some(more) if key != "name" => append(known, more),
            _ => *known = value,
        }
    }
}

fn add_logprobs(whole: &mut Value, more: Value) {
    for (key, value) in into_object(more).unwrap_or_default() {
        let known = slot(whole, &key);
        if let Value::Array(tokens) = value {
            extend(known, tokens);
        } else {
            *known = value;
        }
    }
}

fn append(whole: &mut Value, more: &str) {
    if let Value::String(text) = whole {
        text.push_str(more);
    } else {
        *whole = Value::from(more);
    }
}

fn extend(whole: &mut Value, more: Vec<Value>) {
    if let Value::Array(list) = whole {
        list.extend(more);
    } else {
        *whole = Value::Array(more);
    }
}

/// A field, made if it is not there; what is no object becomes one.
fn slot<'v>(whole: &'v mut Value, key: &str) -> &'v mut Value {
    if !whole.is_object() {
        *whole = json!({});
    }
    &mut whole[key]
}

fn into_object(value: Value) -> Option<Object> {
    match value {
        Value::Object(map) => Some(map),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(chunks: &[Value]) -> Value {
        let mut accumulator = Accumulator::default();
        chunks.iter().cloned().filter_map(into_object).for_each(|chunk| accumulator.add(chunk));
        accumulator.finish().map_or(Value::Null, Value::Object)
    }

    fn chunk(choices: Value) -> Value {
        let mut chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"});
        chunk["choices"] = choices;
        chunk
    }

    #[test]
    fn text_reasoning_and_usage_are_folded() {
        let usage = json!({"id": "c", "choices": [], "usage": {"total_tokens": 3}});
        let chunks = [
            chunk(
                json!([{"index": 0, "delta": {"role": "assistant", "content": "", "refusal": null}, "finish_reason": null}]),
            ),
            chunk(json!([{"index": 0, "delta": {"reasoning_content": "h"}}])),
            chunk(json!([{"index": 0, "delta": {"content": "a"}, "logprobs": {"content": [1]}}])),
            chunk(json!([{"index": 1, "delta": {"content": "z"}}])),
            chunk(
                json!([{"index": 0, "delta": {"content": "b"}, "logprobs": {"content": [2]}, "finish_reason": "stop"}]),
            ),
            usage,
        ];
        let message =
            json!({"role": "assistant", "content": "ab", "refusal": null, "reasoning_content": "h"});
        let other = json!({"role": "assistant", "content": "z", "refusal": null});
        let expected = json!({
            "id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": {"total_tokens": 3}, "choices": [
                {"index": 0, "message": message, "logprobs": {"content": [1, 2]}, "finish_reason": "stop"},
                {"index": 1, "message": other, "logprobs": null, "finish_reason": null},
            ],
        });
        assert_eq!(folded(&chunks), expected);
    }

    #[test]
    fn pieces_of_calls_are_merged_by_index() {
        let piece = |piece: Value| chunk(json!([{"index": 0, "delta": {"tool_calls": [piece]}}]));
        let chunks = [
            piece(
                json!({"index": 0, "id": "c0", "type": "function", "function": {"name": "f", "arguments": ""}}),
            ),
            piece(
                json!({"index": 1, "id": "c1", "type": "function", "function": {"name": "g", "arguments": "{"}}),
            ),
            piece(json!({"index": 0, "function": {"arguments": "{}"}})),
            piece(json!({"index": 1, "id": null, "function": {"name": null, "arguments": "}"}})),
        ];
        let calls = &folded(&chunks)["choices"][0]["message"]["tool_calls"];
        let expected = json!([
            {"id": "c0", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "c1", "type": "function", "function": {"name": "g", "arguments": "{}"}},
        ]);
        assert_eq!(*calls, expected);
    }

    #[test]
    fn malformed_chunks_do_no_harm() {
        let chunks = [
            chunk(
                json!([1, {"message": 1, "logprobs": 1, "delta": 1}, {"index": "x", "delta": {"content": 1}}]),
            ),
            chunk(json!([{"delta": {"content": "a", "tool_calls": {"a": 1}}, "logprobs": {"content": 1}}])),
            chunk(
                json!([{"delta": {"tool_calls": [{"index": 9, "function": "f"}, {"function": {"name": 1}}]}}]),
            ),
            chunk(
                json!([{"delta": {"function_call": "f"}}, {"delta": {"function_call": {"arguments": "x"}}}]),
            ),
        ];
        let message = &folded(&chunks)["choices"][0]["message"];
        assert_eq!(message["content"], "a");
        assert_eq!(message["tool_calls"], json!([{"function": {"name": 1}}]));
        assert_eq!(message["function_call"], json!({"arguments": "x"}));
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(folded(&[]), Value::Null);
        assert_eq!(folded(&[json!({"error": {"message": "x"}})]), Value::Null);
    }
}
