//! What servers do against the letter of the API, one test each.

use agent::model::{Failure, StopReason};

use super::*;
use crate::support::{Read, calls_of, lines, reasoning_of, stop_of, text_of, whole};

const FINISH: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const DONE: &str = "[DONE]";

fn delta(delta: &Value) -> String {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]}).to_string()
}

/// The stream of these deltas, finished with `stop`.
fn said(deltas: &[Value]) -> Read {
    let mut data: Vec<String> = deltas.iter().map(delta).collect();
    data.extend([FINISH.to_owned(), DONE.to_owned()]);
    lines(&dialect(), &data.iter().map(String::as_str).collect::<Vec<_>>())
}

fn call(call: &Value) -> Value {
    json!({"tool_calls": [call]})
}

/// The calls of a stream of these pieces of calls.
fn called(pieces: &[Value]) -> Vec<(String, String)> {
    let (events, error) = said(&pieces.iter().map(call).collect::<Vec<_>>());
    assert_eq!(error, None);
    assert_eq!(stop_of(&events), Some(&StopReason::Tool));
    calls_of(&events)
}

fn pair(name: &str, arguments: &str) -> (String, String) {
    (name.to_owned(), arguments.to_owned())
}

fn malformed(read: &Read) -> bool {
    read.1.as_ref().is_some_and(|error| error.cause == Failure::Malformed)
}

#[test]
fn q1_empty_choices_first_or_last_are_nothing() {
    let empty = r#"{"choices":[],"prompt_filter_results":[]}"#;
    let (events, error) = lines(&dialect(), &[empty, &delta(&json!({"content": "a"})), FINISH, empty, DONE]);
    assert_eq!((text_of(&events).as_str(), error), ("a", None));
}

#[test]
fn q2_the_last_usage_counts_wherever_it_stands() {
    let usage = |data: &str| {
        let early = r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
        let (events, _) = lines(&dialect(), &[early, FINISH, data, DONE]);
        let usages: Vec<_> = events
            .iter()
            .filter_map(|event| if let ModelEvent::Usage(usage) = event { Some(*usage) } else { None })
            .collect();
        assert_eq!(usages.len(), 1);
        (usages[0].input_tokens, usages[0].output_tokens)
    };
    assert_eq!(usage(r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#), (5, 2));
    assert_eq!(
        usage(r#"{"choices":[],"x_groq":{"usage":{"prompt_tokens":5,"completion_tokens":2}}}"#),
        (5, 2)
    );
    assert_eq!(usage(r#"{"choices":[],"metadata":{"usage":{"input_tokens":5,"output_tokens":2}}}"#), (5, 2));
    assert_eq!(usage(r#"{"choices":[],"timings":{"prompt_n":5,"predicted_n":2}}"#), (5, 2));
    assert_eq!(usage(r#"{"choices":[],"metadata":"x","usage":null}"#), (1, 1));
}

#[test]
fn q2_absent_usage_stays_absent() {
    let (events, _) = said(&[json!({"content": "a"})]);
    assert_eq!(event_count(&events, |event| matches!(event, ModelEvent::Usage(_))), 0);
}

#[test]
fn q3_an_empty_finish_reason_is_none() {
    let empty = r#"{"choices":[{"delta":{"content":"a"},"finish_reason":""}]}"#;
    let (_, error) = lines(&dialect(), &[empty, DONE]);
    assert_eq!(error.map(|error| error.cause), Some(Failure::Truncated));
}

#[test]
fn q3_a_finish_reason_may_come_twice() {
    let length = r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#;
    assert_eq!(stop_of(&lines(&dialect(), &[FINISH, FINISH, DONE]).0), Some(&StopReason::Stop));
    assert_eq!(stop_of(&lines(&dialect(), &[length, FINISH, DONE]).0), Some(&StopReason::Length));
}

#[test]
fn q3_stop_beside_calls_means_calls() {
    assert_eq!(
        called(&[json!({"index": 0, "id": "a", "function": {"name": "add", "arguments": "{}"}})]),
        [pair("add", "{}")]
    );
}

#[test]
fn q3_tool_calls_without_calls_means_stop() {
    let tools = r#"{"choices":[{"delta":{"content":"a"},"finish_reason":"tool_calls"}]}"#;
    assert_eq!(stop_of(&lines(&dialect(), &[tools, DONE]).0), Some(&StopReason::Stop));
}

#[test]
fn q4_calls_without_id_or_index_are_told_apart_by_their_names() {
    let calls = called(&[
        json!({"function": {"name": "get", "arguments": "{\"a\""}}),
        json!({"function": {"arguments": ":1}"}}),
        json!({"function": {"name": "add", "arguments": "{\"b\":2}"}}),
        json!({"function": {"name": "add", "arguments": "{\"c\":3}"}}),
    ]);
    assert_eq!(calls, [pair("get", "{\"a\":1}"), pair("add", "{\"b\":2}"), pair("add", "{\"c\":3}")]);
}

#[test]
fn q4_several_calls_may_all_have_index_0() {
    let calls = called(&[
        json!({"index": 0, "id": "a", "function": {"name": "add", "arguments": ""}}),
        json!({"index": 0, "id": "b", "function": {"name": "add", "arguments": "{\"b\":2}"}}),
        json!({"index": 0, "function": {"name": "get_weather", "arguments": "{}"}}),
    ]);
    assert_eq!(calls, [pair("add", "{}"), pair("add", "{\"b\":2}"), pair("get_weather", "{}")]);
}

#[test]
fn q4_id_and_name_may_be_repeated_in_every_piece() {
    let calls = called(&[
        json!({"index": 0, "id": "a", "function": {"name": "add", "arguments": "{"}}),
        json!({"index": 0, "id": "a", "function": {"name": "add", "arguments": "}"}}),
        json!({"index": 0, "id": "a", "function": {"name": "add", "arguments": ""}}),
    ]);
    assert_eq!(calls, [pair("add", "{}")]);
}

#[test]
fn q4_an_id_without_index_finds_its_call() {
    let calls = called(&[
        json!({"id": "a", "function": {"name": "add", "arguments": "{\"a\":"}}),
        json!({"id": "b", "function": {"name": "add", "arguments": "{\"b\":"}}),
        json!({"id": "a", "function": {"arguments": "1}"}}),
        json!({"id": "b", "function": {"arguments": "2}"}}),
    ]);
    assert_eq!(calls, [pair("add", "{\"a\":1}"), pair("add", "{\"b\":2}")]);
}

#[test]
fn q4_a_name_may_be_split_and_empty_later() {
    let calls = called(&[
        json!({"index": 0, "id": "a", "function": {"name": "get", "arguments": ""}}),
        json!({"index": 0, "function": {"name": "_weather"}}),
        json!({"index": 0, "function": {"name": "", "arguments": "{}"}}),
    ]);
    assert_eq!(calls, [pair("get_weather", "{}")]);
}

#[test]
fn q4_arguments_may_be_an_object() {
    let calls = called(&[json!({"index": 0, "function": {"name": "add", "arguments": {"b": 1, "a": [2]}}})]);
    assert_eq!(calls, [pair("add", r#"{"b":1,"a":[2]}"#)]);
}

#[test]
fn q4_no_arguments_are_an_empty_object() {
    for arguments in [json!(""), json!(null), json!(" ")] {
        let calls = called(&[json!({"index": 0, "function": {"name": "add", "arguments": arguments}})]);
        assert_eq!(calls[0].1.trim(), "{}");
    }
}

#[test]
fn q4_trailing_garbage_or_joined_texts_are_an_error() {
    for arguments in ["{} x", "{}{}", "{\"a\":1}}", "[]", "\"x\"", "{"] {
        let read = said(&[call(&json!({"index": 0, "function": {"name": "add", "arguments": arguments}}))]);
        assert!(malformed(&read), "{arguments}");
    }
}

#[test]
fn q4_a_call_without_a_name_is_an_error() {
    assert!(malformed(&said(&[call(&json!({"function": {"arguments": "{}"}}))])));
    assert!(malformed(&said(&[call(&json!({"index": 0, "id": "a", "function": {"arguments": "{}"}}))])));
}

#[test]
fn q5_parallel_calls_interleave() {
    let calls = called(&[
        json!({"index": 1, "id": "b", "function": {"name": "add", "arguments": "{\"b\""}}),
        json!({"index": 0, "id": "a", "function": {"name": "get_weather", "arguments": "{\"a\""}}),
        json!({"index": 1, "function": {"arguments": ":2}"}}),
        json!({"index": 0, "function": {"arguments": ":1}"}}),
    ]);
    assert_eq!(calls, [pair("add", "{\"b\":2}"), pair("get_weather", "{\"a\":1}")]);
}

#[test]
fn q6_reasoning_has_many_names() {
    for thought in [
        json!({"reasoning_content": "why"}),
        json!({"reasoning": "why"}),
        json!({"reasoning": "why", "reasoning_content": "why"}),
        json!({"reasoning": "why", "reasoning_details": [{"type": "reasoning.text", "text": "why"}]}),
        json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "why"}]}]}),
        json!({"content": "<think>why</think>"}),
    ] {
        let (events, error) = said(&[thought.clone(), json!({"content": "so"})]);
        assert_eq!(
            (reasoning_of(&events).as_str(), text_of(&events).as_str(), error),
            ("why", "so", None),
            "{thought}"
        );
    }
}

#[test]
fn q6_a_summary_of_reasoning_is_one() {
    let detail = json!({"reasoning": "brief", "reasoning_details": [{"type": "reasoning.summary", "summary": "brief"}]});
    let (events, _) = said(&[detail]);
    let summary = ModelEvent::SummaryDelta { index: 0, part: 0, text: "brief".to_owned() };
    assert!(events.contains(&summary) && reasoning_of(&events).is_empty());
}

#[test]
fn q9_an_error_in_the_stream_ends_it() {
    let text = delta(&json!({"content": "a"}));
    for error in [
        r#"{"error":{"message":"x"}}"#,
        r#"{"error":"x"}"#,
        r#"[{"error":{"message":"x"}}]"#,
        r#"{"object":"error","message":"x","type":"y","code":null}"#,
    ] {
        assert!(malformed(&lines(&dialect(), &[&text, error, DONE])), "{error}");
    }
}

#[test]
fn q9_a_named_error_frame_is_an_error() {
    let read = support::read(&dialect(), [&b"event: error\ndata: {\"message\":\"x\",\"code\":429}\n\n"[..]]);
    assert_eq!(read.1.map(|error| error.error.status), Some(429));
}

#[test]
fn q9_200_with_an_error_or_a_page_is_an_error() {
    for body in [
        r#"{"error":{"message":"x"}}"#,
        r#"[{"error":{}}]"#,
        "<html>x</html>",
        "oops",
        "",
        "{}",
        r#"{"choices":[]}"#,
        "null",
        "[]",
    ] {
        assert!(malformed(&whole(&dialect(), body)), "{body}");
    }
}

#[test]
fn q10_a_finish_without_done_is_complete() {
    let (events, error) = lines(&dialect(), &[&delta(&json!({"content": "a"})), FINISH]);
    assert_eq!((stop_of(&events), error), (Some(&StopReason::Stop), None));
}

#[test]
fn q10_done_without_a_finish_is_truncation() {
    let text = delta(&json!({"content": "a"}));
    for data in [&[text.as_str(), DONE][..], &[&text], &[]] {
        assert_eq!(lines(&dialect(), data).1.map(|error| error.cause), Some(Failure::Truncated));
    }
}

#[test]
fn q11_the_form_of_the_stream_does_not_matter() {
    let expected = lines(&dialect(), &[&delta(&json!({"content": "a"})), FINISH, DONE]);
    let text = delta(&json!({"content": "a"}));
    for stream in [
        format!(
            "\u{feff}: hi\r\n\r\nevent: chunk\r\ndata:{text}\r\n\r\ndata: {FINISH}\r\n\r\ndata: [DONE]\r\n\r\n"
        ),
        format!("data: {text}\r\rid: 7\rdata: {FINISH}\r\rdata: [DONE] \r\r"),
    ] {
        assert_eq!(support::read(&dialect(), [stream.as_bytes()]), expected);
    }
}

#[test]
fn q13_a_quota_in_the_stream_is_told() {
    let error = lines(&dialect(), &[r#"{"error":{"message":"x","code":"insufficient_quota"}}"#]).1.unwrap();
    assert_eq!((error.error.status, error.error.should_retry), (429, Some(false)));
}

#[test]
fn q14_a_context_overflow_in_the_stream_is_told() {
    let error = lines(&dialect(), &[r#"{"error":{"message":"This model's maximum context length is 10"}}"#])
        .1
        .unwrap();
    assert_eq!((error.error.status, error.error.code.as_deref()), (400, Some("context_length_exceeded")));
}

#[test]
fn q15_a_content_filter_is_a_reason_to_stop() {
    let filter = r#"{"choices":[{"delta":{},"finish_reason":"content_filter"}]}"#;
    assert_eq!(stop_of(&lines(&dialect(), &[filter, DONE]).0), Some(&StopReason::Filter));
}

#[test]
fn q31_hits_of_the_cache_and_reasoning_are_parts() {
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_cache_hit_tokens":4}}"#;
    let xai = r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":22,"completion_tokens_details":{"reasoning_tokens":7}}}"#;
    let counted = |data: &str| {
        let (events, _) = lines(&dialect(), &[FINISH, data, DONE]);
        events
            .into_iter()
            .find_map(|event| if let ModelEvent::Usage(usage) = event { Some(usage) } else { None })
            .unwrap()
    };
    assert_eq!(counted(usage).input_tokens_details.cached_tokens, 4);
    assert_eq!((counted(xai).output_tokens, counted(xai).total_tokens), (12, 22));
}

#[test]
fn q35_nothing_after_the_end_is_read() {
    let text = delta(&json!({"content": "late"}));
    let (events, error) =
        lines(&dialect(), &[FINISH, DONE, &text, r#"{"error":{"message":"x"}}"#, "garbage"]);
    assert_eq!((text_of(&events).as_str(), error), ("", None));
}

#[test]
fn q36_empty_deltas_are_nothing() {
    let (events, error) = said(&[
        json!({"role": "assistant"}),
        json!({"role": "assistant", "content": null, "refusal": null, "tool_calls": null}),
        json!({}),
        json!({"role": "assistant", "content": ""}),
        json!({"refusal": "No."}),
        json!({"refusal": ""}),
    ]);
    assert_eq!(error, None);
    assert_eq!(events[1..events.len() - 1], [ModelEvent::RefusalDelta { text: "No.".to_owned() }]);
}

#[test]
fn q36_null_in_the_place_of_a_delta_is_nothing() {
    let (events, error) =
        lines(&dialect(), &[r#"{"choices":[{"delta":null}]}"#, r#"{"choices":null}"#, FINISH, DONE]);
    assert_eq!((events.len(), error), (2, None));
}

#[test]
fn q37_38_ids_and_times_are_not_read() {
    let odd = r#"{"id":7,"created":"now","choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#;
    assert_eq!(text_of(&lines(&dialect(), &[odd, DONE]).0), "a");
}

#[test]
fn q39_a_whole_completion_is_read_at_once() {
    let (events, error) = whole(
        &dialect(),
        r#"
        {"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"<think>w</think>a","reasoning_content":null,
        "tool_calls":[{"id":"x","type":"function","function":{"name":"add","arguments":"{\"a\":1}"}},{"id":"x","type":"function","function":{"name":"add","arguments":""}}],
        "annotations":[{"type":"url_citation","url_citation":{"start_index":0,"end_index":1,"url":"u","title":"t"}}]},
        "finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#,
    );
    assert_eq!(error, None);
    assert_eq!((reasoning_of(&events).as_str(), text_of(&events).as_str()), ("w", "a"));
    assert_eq!(calls_of(&events), [pair("add", "{\"a\":1}"), pair("add", "{}")]);
    let annotation =
        json!({"type": "url_citation", "start_index": 0, "end_index": 1, "url": "u", "title": "t"});
    assert!(events.contains(&ModelEvent::Annotation { annotation }));
    assert_eq!(stop_of(&events), Some(&StopReason::Tool));
}

#[test]
fn a_call_that_was_cut_off_does_not_end() {
    let length = r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#;
    let whole = delta(&call(&json!({"index": 0, "function": {"name": "add", "arguments": "{}"}})));
    let cut = delta(&call(&json!({"index": 1, "function": {"name": "add", "arguments": "{\"a"}})));
    let (events, error) = lines(&dialect(), &[&whole, &cut, length, DONE]);
    assert_eq!((calls_of(&events).len(), error), (1, None));
}

#[test]
fn endless_calls_are_an_error() {
    let calls = vec![json!({"function": {"name": "add", "arguments": "{}"}}); 1025];
    assert!(malformed(&said(&[json!({ "tool_calls": calls })])));
}

#[test]
fn a_custom_tool_gets_free_text() {
    let calls = called(&[
        json!({"index": 0, "function": {"name": "patch", "arguments": "{\"input\":\"*** Be"}}),
        json!({"index": 0, "function": {"arguments": "gin\\n\"}"}}),
        json!({"index": 1, "function": {"name": "patch", "arguments": "not wrapped"}}),
    ]);
    assert_eq!(calls, [pair("patch", "*** Begin\n"), pair("patch", "not wrapped")]);
}

#[test]
fn an_old_function_call_is_a_call() {
    let (events, _) = said(&[
        json!({"function_call": {"name": "add", "arguments": ""}}),
        json!({"function_call": {"arguments": "{}"}}),
    ]);
    assert_eq!(calls_of(&events), [pair("add", "{}")]);
}

#[test]
fn other_choices_are_left_out() {
    let second = r#"{"choices":[{"index":1,"delta":{"content":"b"},"finish_reason":"length"}]}"#;
    let (events, _) = lines(&dialect(), &[&delta(&json!({"content": "a"})), second, FINISH, DONE]);
    assert_eq!((text_of(&events).as_str(), stop_of(&events)), ("a", Some(&StopReason::Stop)));
}

#[test]
fn an_upstream_that_gave_up_is_an_error() {
    for word in ["error", "insufficient_system_resource"] {
        let data = json!({"choices": [{"delta": {}, "finish_reason": word}]}).to_string();
        assert!(malformed(&lines(&dialect(), &[&data, DONE])));
    }
}

#[test]
fn token_probabilities_stay_with_their_text() {
    let data = r#"{"choices":[{"delta":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-0.1}]},"finish_reason":"stop"}]}"#;
    let (events, _) = lines(&dialect(), &[data]);
    let logprobs = vec![json!({"token": "a", "logprob": -0.1})];
    assert!(events.contains(&ModelEvent::TextDelta { text: "a".to_owned(), logprobs }));
}
