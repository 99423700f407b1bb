//! What the model says, as a native Responses server would: one object, or the frames of a stream.

use serde_json::{Value, json};

use super::chat::Framed;
use super::script::{Call, Part, Say};
use super::usage;

const CREATED: u64 = 1_700_000_000;

/// The object of a buffered answer.
pub(super) fn object(say: &Say, request: &Value) -> Value {
    let output: Vec<Value> = say.parts.iter().enumerate().map(|(index, part)| item(index, part)).collect();
    let mut response = response(say, request, status(say));
    response["output"] = output.into();
    response["usage"] = usage_of(say, request);
    response
}

/// The frames of a streamed answer.
pub(super) fn frames(say: &Say, request: &Value) -> Vec<Framed> {
    let mut writer = Writer::default();
    let start = response(say, request, "in_progress");
    writer.event("response.created", json!({"response": start}), false);
    writer.event("response.in_progress", json!({"response": start}), false);
    for (index, part) in say.parts.iter().enumerate() {
        writer.part(index, part);
    }
    if say.finish.as_deref() != Some("") {
        let end = object(say, request);
        writer.event(&format!("response.{}", status(say)), json!({"response": end}), false);
    }
    writer.frames
}

#[derive(Default)]
struct Writer {
    frames: Vec<Framed>,
}

impl Writer {
    fn event(&mut self, kind: &str, fields: Value, is_content: bool) {
        let mut event = json!({"type": kind, "sequence_number": self.frames.len()});
        if let (Some(event), Value::Object(fields)) = (event.as_object_mut(), fields) {
            event.extend(fields);
        }
        self.frames.push(Framed { text: format!("event: {kind}\ndata: {event}\n\n"), is_content });
    }

    fn part(&mut self, index: usize, part: &Part) {
        let done = item(index, part);
        let mut added = done.clone();
        for field in ["content", "arguments", "summary"] {
            if let Some(value) = added.get_mut(field) {
                *value = if value.is_array() { json!([]) } else { json!("") };
            }
        }
        if !matches!(part, Part::Reasoning(_)) {
            added["status"] = json!("in_progress");
        }
        self.event("response.output_item.added", json!({"output_index": index, "item": added}), false);
        match part {
            Part::Text(chunks) => self.content(index, ("output_text", "text"), &done, chunks),
            Part::Refusal(chunks) => self.content(index, ("refusal", "refusal"), &done, chunks),
            Part::Reasoning(chunks) => self.content(index, ("reasoning_text", "text"), &done, chunks),
            Part::Call(call) => self.arguments(index, call),
        }
        self.event("response.output_item.done", json!({"output_index": index, "item": done}), false);
    }

    fn content(&mut self, index: usize, (kind, field): (&str, &str), done: &Value, chunks: &[String]) {
        let at = |extra: Value| {
            let mut fields = json!({"item_id": done["id"], "output_index": index, "content_index": 0});
            if let (Some(fields), Value::Object(extra)) = (fields.as_object_mut(), extra) {
                fields.extend(extra);
            }
            fields
        };
        let part = &done["content"][0];
        let mut empty = part.clone();
        empty[field] = json!("");
        self.event("response.content_part.added", at(json!({"part": empty})), false);
        for chunk in chunks {
            self.event(&format!("response.{kind}.delta"), at(json!({"delta": chunk, "logprobs": []})), true);
        }
        let whole = at(json!({ field: chunks.concat(), "logprobs": [] }));
        self.event(&format!("response.{kind}.done"), whole, false);
        self.event("response.content_part.done", at(json!({"part": part})), false);
    }

    fn arguments(&mut self, index: usize, call: &Call) {
        let id = format!("fc_upstream{index}");
        for chunk in &call.arguments {
            let fields = json!({"item_id": id, "output_index": index, "delta": chunk});
            self.event("response.function_call_arguments.delta", fields, true);
        }
        let text = call.arguments.concat();
        let fields = json!({"item_id": id, "output_index": index, "arguments": text, "name": call.name});
        self.event("response.function_call_arguments.done", fields, false);
    }
}

fn item(index: usize, part: &Part) -> Value {
    match part {
        Part::Text(chunks) => {
            let text =
                json!({"type": "output_text", "annotations": [], "logprobs": [], "text": chunks.concat()});
            message(index, &text)
        }
        Part::Refusal(chunks) => message(index, &json!({"type": "refusal", "refusal": chunks.concat()})),
        Part::Reasoning(chunks) => {
            let content = json!([{"type": "reasoning_text", "text": chunks.concat()}]);
            json!({"id": format!("rs_upstream{index}"), "type": "reasoning", "summary": [], "content": content})
        }
        Part::Call(call) => json!({
            "id": format!("fc_upstream{index}"), "type": "function_call", "status": "completed",
            "arguments": call.arguments.concat(), "call_id": call.id, "name": call.name,
        }),
    }
}

fn message(index: usize, content: &Value) -> Value {
    let id = format!("msg_upstream{index}");
    json!({"id": id, "type": "message", "status": "completed", "content": [content], "role": "assistant"})
}

fn status(say: &Say) -> &'static str {
    match say.finish.as_deref() {
        Some("length" | "content_filter") => "incomplete",
        _ => "completed",
    }
}

fn response(say: &Say, request: &Value, status: &str) -> Value {
    let reason = if say.finish.as_deref() == Some("length") { "max_output_tokens" } else { "content_filter" };
    let details = if status == "incomplete" { json!({ "reason": reason }) } else { Value::Null };
    json!({
        "id": "resp_upstream", "object": "response", "created_at": CREATED, "status": status,
        "model": request["model"], "output": [], "error": null, "incomplete_details": details,
        "usage": null, "instructions": null, "parallel_tool_calls": true, "temperature": 1.0, "top_p": 1.0,
        "tool_choice": "auto", "tools": [], "metadata": {}, "store": false,
    })
}

fn usage_of(say: &Say, request: &Value) -> Value {
    let Some((input, output)) = usage::count(say, request) else { return Value::Null };
    json!({
        "input_tokens": input, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": input + output,
    })
}
