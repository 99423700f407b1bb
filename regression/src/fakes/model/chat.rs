//! What the model says, as Chat Completions: one object, or the frames of a stream.

use serde_json::{Map, Value, json};

use super::script::{Call, Part, Say};
use super::usage;

const CREATED: u64 = 1_700_000_000;

/// A frame of a stream.
pub(super) struct Framed {
    /// The bytes of the frame.
    pub(super) text: String,
    /// Whether it is one of the chunks that a cut counts.
    pub(super) is_content: bool,
}

/// The object of a buffered answer.
pub(super) fn object(say: &Say, request: &Value) -> Value {
    let choice = json!({"index": 0, "message": message(say), "logprobs": null, "finish_reason": finish(say)});
    let mut object = head("chat.completion", request);
    object.insert("choices".into(), json!([choice]));
    if let Some(usage) = usage_of(say, request) {
        object.insert("usage".into(), usage);
    }
    Value::Object(object)
}

/// The frames of a streamed answer.
pub(super) fn frames(say: &Say, request: &Value) -> Vec<Framed> {
    let include_usage = request.pointer("/stream_options/include_usage") == Some(&Value::Bool(true));
    let writer = Writer { request, include_usage };
    let mut frames = vec![writer.delta(&json!({"role": "assistant", "content": ""}), false)];
    let mut calls = 0;
    for part in &say.parts {
        match part {
            Part::Text(chunks) => frames.extend(writer.texts("content", chunks)),
            Part::Reasoning(chunks) => frames.extend(writer.texts("reasoning_content", chunks)),
            Part::Refusal(chunks) => frames.extend(writer.texts("refusal", chunks)),
            Part::Call(call) => {
                frames.extend(writer.call(calls, call));
                calls += 1;
            }
        }
    }
    if let Some(reason) = finish(say) {
        frames.push(writer.finish(&reason));
    }
    if let Some(usage) = usage_of(say, request).filter(|_| include_usage) {
        frames.push(writer.usage(&usage));
    }
    if !say.without_done {
        frames.push(Framed { text: "data: [DONE]\n\n".to_owned(), is_content: false });
    }
    frames
}

struct Writer<'a> {
    request: &'a Value,
    include_usage: bool,
}

impl Writer<'_> {
    fn frame(&self, choices: &Value, usage: &Value, is_content: bool) -> Framed {
        let mut chunk = head("chat.completion.chunk", self.request);
        chunk.insert("choices".into(), choices.clone());
        if self.include_usage {
            chunk.insert("usage".into(), usage.clone());
        }
        Framed { text: format!("data: {}\n\n", Value::Object(chunk)), is_content }
    }

    fn delta(&self, delta: &Value, is_content: bool) -> Framed {
        let choice = json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": null}]);
        self.frame(&choice, &Value::Null, is_content)
    }

    fn texts(&self, key: &str, chunks: &[String]) -> Vec<Framed> {
        chunks.iter().map(|chunk| self.delta(&json!({ key: chunk }), true)).collect()
    }

    fn call(&self, index: usize, call: &Call) -> Vec<Framed> {
        let function = json!({"name": call.name, "arguments": ""});
        let first = json!({"index": index, "id": call.id, "type": "function", "function": function});
        let mut frames = vec![self.delta(&json!({"tool_calls": [first]}), true)];
        frames.extend(call.arguments.iter().map(|chunk| {
            let more = json!({"index": index, "function": {"arguments": chunk}});
            self.delta(&json!({"tool_calls": [more]}), true)
        }));
        frames
    }

    fn finish(&self, reason: &str) -> Framed {
        let choice = json!([{"index": 0, "delta": {}, "logprobs": null, "finish_reason": reason}]);
        self.frame(&choice, &Value::Null, false)
    }

    fn usage(&self, usage: &Value) -> Framed {
        self.frame(&json!([]), usage, false)
    }
}

fn head(object: &str, request: &Value) -> Map<String, Value> {
    let model = request.get("model").cloned().unwrap_or_default();
    let fields = [
        ("id", json!("chatcmpl-upstream")),
        ("object", json!(object)),
        ("created", json!(CREATED)),
        ("model", model),
    ];
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The reason, or none where the script says the empty one.
fn finish(say: &Say) -> Option<String> {
    let calls = say.parts.iter().any(|part| matches!(part, Part::Call(_)));
    let usual = if calls { "tool_calls" } else { "stop" };
    let reason = say.finish.as_deref().unwrap_or(usual);
    (!reason.is_empty()).then(|| reason.to_owned())
}

fn message(say: &Say) -> Value {
    let mut message = json!({"role": "assistant", "content": null, "refusal": null, "annotations": []});
    let mut calls = Vec::new();
    for part in &say.parts {
        match part {
            Part::Text(chunks) => append(&mut message["content"], chunks),
            Part::Reasoning(chunks) => append(&mut message["reasoning_content"], chunks),
            Part::Refusal(chunks) => append(&mut message["refusal"], chunks),
            Part::Call(call) => {
                let function = json!({"name": call.name, "arguments": call.arguments.concat()});
                calls.push(json!({"id": call.id, "type": "function", "function": function}));
            }
        }
    }
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    message
}

fn append(text: &mut Value, chunks: &[String]) {
    let before = text.as_str().unwrap_or_default();
    *text = Value::String(format!("{before}{}", chunks.concat()));
}

fn usage_of(say: &Say, request: &Value) -> Option<Value> {
    let (input, output) = usage::count(say, request)?;
    Some(json!({
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input + output,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }))
}
