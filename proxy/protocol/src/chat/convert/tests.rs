use serde_json::{Value, json};

use super::*;
use crate::chat::request::parse;

fn converted(body: Value) -> Result<Converted, ApiError> {
    let mut whole =
        json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "tools": [{"type": "think"}]});
    let Value::Object(body) = body else { panic!("an object") };
    whole.as_object_mut().unwrap().extend(body);
    convert(&parse(whole.to_string().as_bytes()).unwrap())
}

fn items(messages: &Value) -> Value {
    serde_json::to_value(converted(json!({"messages": messages})).unwrap().request.input).unwrap()
}

#[test]
fn every_role_becomes_its_item() {
    let given = json!([
        {"role": "developer", "content": "d"},
        {"role": "user", "name": "ann", "content": [
            {"type": "text", "text": "look"},
            {"type": "image_url", "image_url": {"url": "data:x", "detail": "low"}},
            {"type": "file", "file": {"file_id": "file-1", "filename": "a.pdf"}},
            {"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}},
        ]},
        {"role": "assistant", "content": "ok", "reasoning_content": "hm", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "x"}},
        ]},
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "2"}]},
        {"role": "assistant", "content": null, "function_call": {"name": "h", "arguments": "3"}},
        {"role": "function", "name": "h", "content": "4"},
        {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "no"}]},
    ]);
    let message = |role: &str, content: Value| json!({"type": "message", "status": "completed", "content": content, "role": role});
    let said = |text: &str| json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text});
    let mut user = message(
        "user",
        json!([
            {"type": "input_text", "text": "look"},
            {"type": "input_image", "detail": "low", "image_url": "data:x"},
            {"type": "input_file", "file_id": "file-1", "filename": "a.pdf"},
            {"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}},
        ]),
    );
    user["name"] = json!("ann");
    let expected = json!([
        message("developer", json!([{"type": "input_text", "text": "d"}])),
        user,
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
        message("assistant", json!([said("ok")])),
        {"type": "function_call", "status": "completed", "arguments": "{}", "call_id": "c1", "name": "f"},
        {"type": "custom_tool_call", "status": "completed", "call_id": "c2", "name": "g", "input": "x"},
        {"type": "function_call_output", "status": "completed", "call_id": "c1", "output": "1"},
        {"type": "custom_tool_call_output", "status": "completed", "call_id": "c2", "output": [{"type": "input_text", "text": "2"}]},
        {"type": "function_call", "status": "completed", "arguments": "3", "call_id": "call_function_1", "name": "h"},
        {"type": "function_call_output", "status": "completed", "call_id": "call_function_1", "output": "4"},
        message("assistant", json!([said("a"), {"type": "refusal", "refusal": "no"}])),
    ]);
    assert_eq!(items(&given), expected);
}

#[test]
fn parameters_are_carried_over() {
    let Converted { request, stop, seed } = converted(json!({
        "max_tokens": 9, "temperature": 1, "stop": ["a", "b"], "seed": 4, "logprobs": true, "top_logprobs": 2,
        "reasoning_effort": "high", "verbosity": "high", "response_format": {"type": "json_object"}, "store": true,
        "stream": true, "tools": [{"type": "function", "function": {"name": "f"}}, {"type": "think"}],
        "tool_choice": {"type": "function", "function": {"name": "f"}}, "user": "u",
    }))
    .unwrap();
    assert_eq!((stop, seed), (vec!["a".to_owned(), "b".to_owned()], Some(4)));
    assert_eq!(
        (request.max_output_tokens, request.temperature, request.top_logprobs),
        (Some(9), Some(1.0), Some(2))
    );
    assert_eq!(
        (request.include.as_slice(), request.store, request.stream),
        (&[Include::Logprobs][..], false, true)
    );
    assert_eq!(request.reasoning.effort.as_deref(), Some("high"));
    assert_eq!(
        serde_json::to_value(&request.text).unwrap(),
        json!({"format": {"type": "json_object"}, "verbosity": "high"})
    );
    let kinds: Vec<&str> = request.tools.iter().map(Tool::kind).collect();
    assert_eq!(kinds, ["think", "function"]);
    assert_eq!(serde_json::to_value(&request.tool_choice).unwrap(), json!({"type": "function", "name": "f"}));
}

#[test]
fn what_one_turn_cannot_give_is_refused() {
    let mcp = |approval: Value| json!({"tools": [{"type": "mcp", "server_label": "l", "server_url": "https://h", "require_approval": approval}]});
    for (body, param) in [
        (json!({"n": 2}), "n"),
        (json!({"modalities": ["audio"]}), "modalities"),
        (mcp(Value::Null), "tools"),
        (mcp(json!({"never": {"tool_names": ["a"]}})), "tools"),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "video_url"}]}]}),
            "messages[0].content[0].type",
        ),
    ] {
        let error = converted(body).unwrap_err();
        assert_eq!((error.code.as_deref(), error.param.as_deref()), (Some("unsupported_value"), Some(param)));
    }
    assert!(converted(mcp(json!("never"))).is_ok());
}
