use agent::model::{Failure, ModelChoice, ModelRequest, Sampling, StopReason};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Responses;
use crate::dialect::Dialect;
use crate::support::{self, calls_of, items, lines, request, stop_of, text_of, whole};

macro_rules! golden {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            let bytes = include_bytes!(concat!("tests/golden/", stringify!($name), ".sse"));
            insta::assert_snapshot!(support::shown(&support::read(&Responses, [&bytes[..]])));
            support::cuts_change_nothing(&Responses, bytes);
        }
    )*};
}

golden! { openai_reasoning_and_call refusal raw_reasoning_incomplete failed only_the_end }

fn encoded(request: &ModelRequest) -> Value {
    serde_json::from_slice(&Responses.encode(request).unwrap()).unwrap()
}

fn end(status: &str, rest: &Value) -> String {
    let mut response = json!({"status": status, "model": "m", "output": []});
    response.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    json!({"type": format!("response.{status}"), "response": response}).to_string()
}

#[test]
fn a_full_request() {
    let mut request = request();
    request.instructions = Some("Be brief.".to_owned());
    request.items = items(json!([
        {"type": "message", "id": "msg_1", "role": "user", "content": [{"type": "input_text", "text": "hi"}, {"type": "input_image", "image_url": "https://x/y.png"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": "sealed"},
        {"type": "reasoning", "id": "rs_2", "summary": [], "content": [{"type": "reasoning_text", "text": "unsealed"}]},
        {"type": "message", "id": "msg_2", "role": "assistant", "content": [{"type": "output_text", "text": "ok", "annotations": [{"type": "file_citation", "file_id": "file_ours"}]}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "add", "arguments": ""},
        {"type": "function_call_output", "id": "fco_1", "call_id": "c1", "output": [{"type": "input_text", "text": "2"}]},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c2", "name": "patch", "input": "x"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "done"},
        {"type": "computer_call", "call_id": "c3"},
    ]));
    request.tool_choice = ModelChoice::Tool("add".to_owned());
    request.parallel_tool_calls = Some(false);
    request.encrypted_reasoning = true;
    request.reasoning.effort = Some("low".to_owned());
    request.sampling = Sampling { temperature: Some(0.5), max_output_tokens: Some(9), ..Sampling::default() };
    request.hints.prompt_cache_key = Some("k".to_owned());
    request.native.insert("client_metadata".to_owned(), json!({"a": "b"}));
    insta::assert_json_snapshot!(encoded(&request));
}

#[test]
fn a_plain_request_is_stateless() {
    let request = ModelRequest { stream: false, tools: Default::default(), ..request() };
    let input =
        json!([{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}]);
    assert_eq!(encoded(&request), json!({"model": "m1", "input": input, "store": false}));
}

#[test]
fn stop_sequences_are_refused() {
    let sampling = Sampling { stop: vec!["END".to_owned()], ..Sampling::default() };
    let error = Responses.encode(&ModelRequest { sampling, ..request() }).unwrap_err();
    assert_eq!((error.status, error.param.as_deref()), (400, Some("stop")));
}

#[test]
fn a_whole_response_gives_the_same_as_its_last_event() {
    let bytes = include_str!("tests/golden/only_the_end.sse");
    let event: Value =
        serde_json::from_str(bytes.lines().nth(1).unwrap().strip_prefix("data: ").unwrap()).unwrap();
    let read = whole(&Responses, &event["response"].to_string());
    assert_eq!(read, support::read(&Responses, [bytes.as_bytes()]));
}

#[test]
fn an_end_that_never_comes_is_truncation() {
    let text = r#"{"type":"response.output_text.delta","output_index":0,"delta":"a"}"#;
    for data in [&[text][..], &[text, "[DONE]"], &[]] {
        assert_eq!(lines(&Responses, data).1.map(|error| error.cause), Some(Failure::Truncated));
    }
}

#[test]
fn a_failed_response_is_an_error() {
    let error = json!({"error": {"code": "server_error", "message": "at 10.0.0.1"}});
    let (_, error) = lines(&Responses, &[&end("failed", &error)]);
    let error = error.unwrap();
    assert_eq!(error.cause, Failure::Status(500));
    assert!(!error.error.message.contains("10.0.0.1"));
    assert!(lines(&Responses, &[&end("failed", &json!({}))]).1.is_some());
}

#[test]
fn a_filter_and_other_reasons_are_told() {
    let stopped = |reason: &str| {
        let (events, _) =
            lines(&Responses, &[&end("incomplete", &json!({"incomplete_details": {"reason": reason}}))]);
        stop_of(&events).cloned()
    };
    assert_eq!(stopped("content_filter"), Some(StopReason::Filter));
    assert_eq!(stopped("odd"), Some(StopReason::Other("odd".to_owned())));
}

#[test]
fn arguments_without_deltas_are_told_once() {
    let added = r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","name":"add","arguments":""}}"#;
    let done = r#"{"type":"response.function_call_arguments.done","output_index":0,"arguments":"{\"a\":1}"}"#;
    let item = r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","name":"add","arguments":"{\"a\":1}"}}"#;
    let (events, error) = lines(&Responses, &[added, done, item, item, &end("completed", &json!({}))]);
    assert_eq!((calls_of(&events), error), (vec![("add".to_owned(), "{\"a\":1}".to_owned())], None));
}

#[test]
fn an_unknown_event_is_nothing() {
    let odd = r#"{"type":"response.odd.thing","output_index":0,"delta":"x","item":{"type":"odd"}}"#;
    let (events, error) = lines(&Responses, &[odd, &end("completed", &json!({}))]);
    assert_eq!((text_of(&events).as_str(), error), ("", None));
}

#[test]
fn a_page_or_a_list_in_the_place_of_a_response_is_an_error() {
    for body in ["<html>", "", "{}", "[]", r#"{"error":{"message":"x"}}"#, r#"[{"error":{"message":"x"}}]"#] {
        assert_eq!(whole(&Responses, body).1.map(|error| error.cause), Some(Failure::Malformed), "{body}");
    }
}

proptest! {
    // `support::read` checks the laws of a decoder.
    #[test]
    fn any_order_of_events_ends_with_one_stop_or_error(kinds in prop::collection::vec((0usize..9, 0i64..3), 0..12)) {
        let lines: Vec<String> = kinds.into_iter().map(|(kind, place)| line(kind, place)).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        support::lines(&Responses, &lines);
    }
}

fn line(kind: usize, place: i64) -> String {
    let call = json!({"type": "function_call", "name": "add", "arguments": "{\"a\":1}"});
    let event = match kind {
        0 => json!({"type": "response.output_text.delta", "output_index": place, "delta": "a"}),
        1 => {
            json!({"type": "response.output_item.added", "output_index": place, "item": {"type": "function_call", "name": "add"}})
        }
        2 => json!({"type": "response.function_call_arguments.delta", "output_index": place, "delta": "{}"}),
        3 => {
            json!({"type": "response.function_call_arguments.done", "output_index": place, "arguments": "{}"})
        }
        4 => json!({"type": "response.output_item.done", "output_index": place, "item": call}),
        5 => {
            json!({"type": "response.output_item.done", "output_index": place, "item": {"type": "reasoning", "encrypted_content": "x"}})
        }
        6 => json!({"type": "response.created", "response": {"model": "m"}}),
        7 => json!({"type": "response.reasoning_summary_text.delta", "output_index": place, "delta": "s"}),
        _ => json!({"type": "response.completed", "response": {"status": "completed", "output": [call]}}),
    };
    event.to_string()
}
