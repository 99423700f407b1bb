use serde_json::json;

use super::*;
use crate::error::refused::assert_refused;

fn parsed(body: Value) -> Result<ChatRequest, ApiError> {
    let mut whole = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let Value::Object(body) = body else { panic!("an object") };
    whole.as_object_mut().unwrap().extend(body);
    parse(whole.to_string().as_bytes())
}

#[test]
fn a_bare_request_has_the_defaults_and_its_json() {
    let request = parsed(json!({})).unwrap();
    assert_eq!((request.model.as_str(), request.n, request.messages().len()), ("m", 1, 1));
    assert!(!request.stream && !request.store && !request.include_usage && request.include_obfuscation);
    assert_eq!(request.options, Options::default());
    assert_eq!(
        Value::Object(request.raw).to_string(),
        r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#
    );
}

#[test]
fn every_field_is_read() {
    let request = parsed(json!({
        "stream": true, "stream_options": {"include_usage": true, "include_obfuscation": false}, "store": true,
        "metadata": {"k": "v"}, "n": 2, "max_tokens": 5, "max_completion_tokens": 7, "temperature": 2, "top_p": 0.5,
        "presence_penalty": -1, "frequency_penalty": 1, "logprobs": true, "top_logprobs": 3, "stop": "x", "seed": -9,
        "verbosity": "low", "reasoning_effort": "none", "parallel_tool_calls": false, "user": "u",
        "modalities": ["text", "audio"], "service_tier": "flex", "unknown": {"kept": null},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"a": 1}, "strict": true}},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}},
                  {"type": "custom", "custom": {"name": "c", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "d"}}}},
                  {"type": "think"}],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [
            {"type": "function", "function": {"name": "f"}}, {"type": "think"}]}},
    }))
    .unwrap();
    assert!(request.stream && request.include_usage && request.store && !request.include_obfuscation);
    assert_eq!((request.n, request.metadata.len(), request.is_legacy), (2, 1, false));
    let options = request.options;
    assert_eq!(
        (options.max_output_tokens, options.temperature, options.top_p),
        (Some(7), Some(2.0), Some(0.5))
    );
    assert_eq!((options.presence_penalty, options.frequency_penalty), (Some(-1.0), Some(1.0)));
    assert_eq!((options.logprobs, options.top_logprobs, options.seed), (true, Some(3), Some(-9)));
    assert_eq!(options.stop, ["x"]);
    assert!(options.wants_audio && options.parallel_tool_calls == Some(false));
    assert_eq!(options.service_tier.as_deref(), Some("flex"));
    assert_eq!(
        serde_json::to_value(&options.format).unwrap(),
        json!({"type": "json_schema", "name": "n", "description": null, "schema": {"a": 1}, "strict": true})
    );
    assert_eq!(
        serde_json::to_value(&options.tool_choice).unwrap(),
        json!({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}, {"type": "think"}]})
    );
    assert_eq!(
        serde_json::to_value(&request.client_tools).unwrap(),
        json!([
            {"type": "function", "description": null, "name": "f", "parameters": {"type": "object"}, "strict": false},
            {"type": "custom", "name": "c", "format": {"type": "grammar", "syntax": "lark", "definition": "d"}},
        ])
    );
    assert_eq!(serde_json::to_value(&request.server_tools).unwrap(), json!([{"type": "think"}]));
    assert_eq!(request.raw["unknown"], json!({"kept": null}));
}

#[test]
fn functions_are_tools_in_the_old_form() {
    let request = parsed(json!({"functions": [{"name": "f"}], "function_call": {"name": "f"}})).unwrap();
    assert!(request.is_legacy);
    assert_eq!(request.client_tools[0].kind(), "function");
    let choice = serde_json::to_value(&request.options.tool_choice).unwrap();
    assert_eq!(choice, json!({"type": "function", "name": "f"}));
}

#[test]
fn each_fault_names_its_field() {
    assert_refused(include_str!("../../../tests/golden/refused_chat.txt"), |body| parsed(body).map(drop));
}

#[test]
fn an_assistant_message_may_lack_content_where_something_stands_for_it() {
    let call = json!({"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]});
    assert!(parsed(json!({"messages": [call]})).is_ok());
    assert!(parsed(json!({"messages": [{"role": "assistant", "refusal": "no"}]})).is_ok());
    assert!(parsed(json!({"messages": [{"role": "assistant"}]})).is_err());
}
