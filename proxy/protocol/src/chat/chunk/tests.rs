use serde_json::json;

use super::*;
use crate::chat::response::tests::finished;
use crate::responses::event::{At, Slot};
use crate::sse::decode::{Decoder, TooLong};

/// The frames of a stream of events, without what stands in every chunk.
fn written(head: Head, events: Vec<EventBody>) -> Vec<Value> {
    let (mut writer, mut out) = (ChunkWriter::new(head), BytesMut::new());
    for body in events {
        writer.write(&mut out, &Event { sequence_number: 0, body });
    }
    let mut frames = Vec::new();
    let decoded = Decoder::new(1 << 20).feed::<TooLong>(&out, |frame| {
        assert_eq!(frame.event, "");
        let mut value: Value = serde_json::from_slice(frame.data).unwrap();
        if value.get("error").is_none() {
            let head = ["id", "object", "created", "model"]
                .map(|key| value.as_object_mut().unwrap().shift_remove(key));
            assert_eq!(json!(head), json!(["chatcmpl-1", "chat.completion.chunk", 7, "m"]));
        }
        frames.push(value);
        Ok(())
    });
    assert_eq!(decoded, Ok(()));
    frames
}

fn head() -> Head {
    Head { id: "chatcmpl-1".into(), created: 7, model: "m".into(), include_usage: false, is_legacy: false }
}

fn choice(delta: &Value, finish_reason: &Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason}]})
}

fn at(output_index: usize) -> At {
    At { item_id: "msg_1".into(), output_index, part: 0 }
}

fn lifecycle(what: Lifecycle, status: &str, output: &Value) -> EventBody {
    EventBody::Lifecycle(what, Box::new(finished(status, output)))
}

fn call(index: usize, item: Value) -> EventBody {
    EventBody::ItemAdded(index, Box::new(serde_json::from_value(item).unwrap()))
}

fn arguments(kind: CallKind, output_index: usize, text: &str) -> EventBody {
    EventBody::ArgumentsDelta(kind, Slot { item_id: "x".into(), output_index }, text.into())
}

#[test]
fn text_is_streamed_with_the_role_first_and_one_finish() {
    let url = json!({"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1});
    let frames = written(
        head(),
        vec![
            lifecycle(Lifecycle::Created, "in_progress", &json!([])),
            lifecycle(Lifecycle::InProgress, "in_progress", &json!([])),
            EventBody::ReasoningDelta(at(0), "hm".into()),
            EventBody::TextDelta(at(1), "é".into(), vec![json!({"token": "é"})]),
            EventBody::TextDelta(at(3), "b".into(), vec![]),
            EventBody::AnnotationAdded(at(3), 0, url),
            lifecycle(Lifecycle::InProgress, "in_progress", &json!([])),
            lifecycle(Lifecycle::Completed, "completed", &json!([])),
        ],
    );
    let cited = json!({"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 3, "end_index": 4}});
    let mut with_logprobs = choice(&json!({"content": "é"}), &Value::Null);
    with_logprobs["choices"][0]["logprobs"] = json!({"content": [{"token": "é"}], "refusal": null});
    assert_eq!(
        frames,
        [
            choice(&json!({"role": "assistant", "content": "", "refusal": null}), &Value::Null),
            choice(&json!({"reasoning_content": "hm"}), &Value::Null),
            with_logprobs,
            choice(&json!({"content": "\n\n"}), &Value::Null),
            choice(&json!({"content": "b"}), &Value::Null),
            choice(&json!({"annotations": [cited]}), &Value::Null),
            choice(&json!({}), &json!("stop")),
        ]
    );
}

#[test]
fn calls_of_the_client_have_dense_indices_and_those_of_the_server_none() {
    let function = json!({"id": "fc_1", "type": "function_call", "status": "in_progress", "call_id": "c1", "name": "f", "arguments": ""});
    let custom = json!({"id": "ctc_1", "type": "custom_tool_call", "status": "in_progress", "call_id": "c2", "name": "g", "input": ""});
    let mcp = json!({"id": "mcp_1", "type": "mcp_call", "status": "in_progress", "server_label": "l", "name": "x", "arguments": ""});
    let events = vec![
        call(0, mcp),
        arguments(CallKind::Mcp, 0, "{}"),
        call(1, function.clone()),
        call(2, custom),
        arguments(CallKind::Custom, 2, "i"),
        arguments(CallKind::Function, 1, "{}"),
        lifecycle(Lifecycle::Completed, "completed", &json!([function])),
    ];
    let frames = written(head(), events);
    let calls = |call: Value| choice(&json!({"tool_calls": [call]}), &Value::Null);
    assert_eq!(
        frames[1..],
        [
            calls(
                json!({"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}})
            ),
            calls(json!({"index": 1, "id": "c2", "type": "custom", "custom": {"name": "g", "input": ""}})),
            calls(json!({"index": 1, "custom": {"input": "i"}})),
            calls(json!({"index": 0, "function": {"arguments": "{}"}})),
            choice(&json!({}), &json!("tool_calls")),
        ]
    );
}

#[test]
fn usage_is_null_until_the_last_chunk() {
    let head = Head { include_usage: true, ..head() };
    let frames = written(
        head,
        vec![
            EventBody::TextDelta(at(0), "a".into(), vec![]),
            lifecycle(Lifecycle::Incomplete, "incomplete", &json!([])),
        ],
    );
    let usages: Vec<&Value> = frames.iter().map(|frame| &frame["usage"]).collect();
    assert_eq!(usages[..3], [&Value::Null; 3]);
    assert!(frames.iter().all(|frame| frame.get("usage").is_some()));
    assert_eq!(frames[2]["choices"][0]["finish_reason"], "length");
    assert_eq!((&frames[3]["choices"], &frames[3]["usage"]["total_tokens"]), (&json!([]), &json!(5)));
}

#[test]
fn an_error_is_told_once() {
    let error = ApiError::new(502, "server_error", "broken");
    let failed = lifecycle(Lifecycle::Failed, "failed", &json!([]));
    let frames = written(head(), vec![EventBody::Error(Box::new(error)), failed.clone()]);
    assert_eq!(
        frames,
        [json!({"error": {"message": "broken", "type": "server_error", "param": null, "code": null}})]
    );
    assert_eq!(written(head(), vec![failed]).len(), 1);
}

#[test]
fn a_call_in_the_old_form_is_a_function_call() {
    let function = json!({"id": "fc_1", "type": "function_call", "status": "in_progress", "call_id": "c1", "name": "f", "arguments": ""});
    let frames = written(
        Head { is_legacy: true, ..head() },
        vec![
            call(0, function.clone()),
            arguments(CallKind::Function, 0, "{}"),
            lifecycle(Lifecycle::Completed, "completed", &json!([function])),
        ],
    );
    assert_eq!(
        frames[1..],
        [
            choice(&json!({"function_call": {"name": "f", "arguments": ""}}), &Value::Null),
            choice(&json!({"function_call": {"arguments": "{}"}}), &Value::Null),
            choice(&json!({}), &json!("function_call")),
        ]
    );
}
