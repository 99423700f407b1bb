//! Requests as they go out.

use super::*;
use crate::support::items;

fn with(value: Value) -> ModelRequest {
    ModelRequest { items: items(value), tools: Default::default(), ..request() }
}

fn messages(name: &str, value: Value) -> Value {
    encoded(name, &with(value))["messages"].clone()
}

fn message(role: &str, text: &str) -> Value {
    let kind = if role == "assistant" { "output_text" } else { "input_text" };
    json!({"type": "message", "role": role, "content": [{"type": kind, "text": text}]})
}

fn function_call(id: &str) -> Value {
    json!({"type": "function_call", "id": "fc_1", "call_id": id, "name": "add", "arguments": "{\"a\":1}"})
}

fn output(id: &str, output: &Value) -> Value {
    json!({"type": "function_call_output", "call_id": id, "output": output})
}

#[test]
fn a_full_request_for_openai() {
    let mut request =
        ModelRequest { instructions: Some("Be brief.".to_owned()), text: schema(), ..sampled() };
    request.model = "gpt-4o".to_owned();
    request.reasoning.effort = Some("low".to_owned());
    request.text.verbosity = "low".to_owned();
    request.logprobs = true;
    request.hints.user = Some("u1".to_owned());
    request.hints.prompt_cache_key = Some("k".to_owned());
    request.hints.service_tier = Some("flex".to_owned());
    insta::assert_json_snapshot!(encoded("openai", &request));
}

#[test]
fn a_full_request_for_mistral() {
    let request = ModelRequest { instructions: Some("Be brief.".to_owned()), text: schema(), ..sampled() };
    insta::assert_json_snapshot!(encoded("mistral", &request));
}

#[test]
fn a_plain_request_has_nothing_that_was_not_given() {
    let request = ModelRequest { stream: false, tools: Default::default(), ..request() };
    let expected = json!({"model": "m1", "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(encoded("mine", &request), expected);
}

#[test]
fn reasoning_models_of_openai_get_no_sampling() {
    let body = encoded("openai", &ModelRequest { model: "o3".to_owned(), ..sampled() });
    assert!(["temperature", "top_p", "presence_penalty"].iter().all(|key| body.get(key).is_none()));
    assert_eq!(body["max_completion_tokens"], 100);
}

#[test]
fn reasoning_text_and_calls_of_a_turn_are_one_message() {
    let history = json!([
        message("user", "q"),
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "think"}]},
        message("assistant", "I add."),
        function_call("c1"), function_call("c2"), output("c1", &json!("2")), output("c2", &json!("3")),
        message("assistant", "5"),
        message("user", "thanks"),
    ]);
    insta::assert_json_snapshot!(messages("deepseek", history));
}

#[test]
fn a_call_after_an_output_is_a_message_of_its_own() {
    let history = json!([
        function_call("c1"),
        output("c1", &json!("2")),
        function_call("c2"),
        output("c2", &json!("3"))
    ]);
    let roles: Vec<Value> =
        messages("mine", history).as_array().unwrap().iter().map(|m| m["role"].clone()).collect();
    assert_eq!(roles, ["assistant", "tool", "assistant", "tool"]);
}

#[test]
fn sealed_reasoning_alone_is_no_message() {
    let history =
        json!([message("user", "q"), {"type": "reasoning", "summary": [], "encrypted_content": "x"}]);
    assert_eq!(messages("mine", history), json!([{"role": "user", "content": "q"}]));
}

#[test]
fn images_of_outputs_follow_as_a_user_message() {
    let parts = json!([
        {"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "data:image/png;base64,AA"},
        {"type": "input_text", "text": "b"},
    ]);
    let only = json!([{"type": "input_image", "detail": "low", "image_url": "https://x/y.png"}]);
    let history = json!([
        function_call("c1"),
        function_call("c2"),
        output("c1", &parts),
        output("c2", &only),
        message("assistant", "Nice."),
    ]);
    insta::assert_json_snapshot!(messages("mine", history));
}

#[test]
fn parts_of_a_user_message_keep_their_order() {
    let content = json!([
        {"type": "input_text", "text": "look"}, {"type": "input_text", "text": ""},
        {"type": "input_image", "image_url": "https://x/y.png", "detail": "high"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"},
        {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
    ]);
    insta::assert_json_snapshot!(messages(
        "mine",
        json!([{"type": "message", "role": "user", "content": content}])
    ));
}

#[test]
fn q17_late_instructions_are_merged_in_front() {
    let history = json!([message("user", "q"), message("system", "Two."), message("developer", "Three.")]);
    let request = ModelRequest { instructions: Some("One.".to_owned()), ..with(history) };
    let expected =
        json!([{"role": "system", "content": "One.\n\nTwo.\n\nThree."}, {"role": "user", "content": "q"}]);
    assert_eq!(encoded("mine", &request)["messages"], expected);
    let kept = &encoded("openai", &request)["messages"];
    let roles: Vec<&str> = kept.as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["developer", "user", "system", "developer"]);
}

#[test]
fn q19_empty_texts_are_left_out() {
    let history = json!([message("user", "q"), message("assistant", ""), message("user", "r")]);
    assert_eq!(messages("mine", history).as_array().unwrap().len(), 2);
}

#[test]
fn custom_tools_are_functions_with_one_string() {
    let history = json!([
        {"type": "custom_tool_call", "call_id": "c1", "name": "patch", "input": "*** \"x\""},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "ok"},
    ]);
    let request = ModelRequest { items: items(history), ..request() };
    let body = encoded("mine", &request);
    insta::assert_json_snapshot!(json!([body["messages"], body["tools"][3]]));
}

#[test]
fn mistral_gets_short_ids_that_pair() {
    let sent = messages(
        "mistral",
        json!([function_call("call_0123456789abcdef"), output("call_0123456789abcdef", &json!("2"))]),
    );
    let id = sent[0]["tool_calls"][0]["id"].as_str().unwrap();
    assert_eq!((id.len(), sent[1]["tool_call_id"].as_str()), (9, Some(id)));
    assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
}

#[test]
fn a_named_choice_names_its_function() {
    let request = ModelRequest { tool_choice: ModelChoice::Tool("add".to_owned()), ..request() };
    assert_eq!(
        encoded("mine", &request)["tool_choice"],
        json!({"type": "function", "function": {"name": "add"}})
    );
}

#[test]
fn what_chat_cannot_carry_is_refused() {
    let part = |part: Value| with(json!([{"type": "message", "role": "user", "content": [part]}]));
    let cases = [
        part(json!({"type": "input_image", "file_id": "file_1"})),
        part(json!({"type": "input_file", "file_url": "https://x/y"})),
        part(json!({"type": "input_video"})),
        with(json!([{"type": "computer_call", "call_id": "x"}])),
        with(json!([{"type": "item_reference", "id": "msg_1"}])),
    ];
    for request in cases {
        let refused = refused("openai", &request);
        assert!(refused.starts_with("400 unsupported_value"), "{refused}");
    }
}

#[test]
fn q29_token_probabilities_that_an_upstream_lacks_are_refused() {
    let request = ModelRequest { logprobs: true, ..request() };
    assert!(refused("groq", &request).contains("unsupported_value"));
}

#[test]
fn a_schema_that_an_upstream_lacks_is_refused() {
    assert!(refused("deepseek", &ModelRequest { text: schema(), ..request() }).contains("unsupported_value"));
}
