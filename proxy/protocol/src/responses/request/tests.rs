use serde_json::{Value, json};

use super::*;
use crate::error::ApiError;
use crate::error::refused::assert_refused;
use crate::responses::content::Content;
use crate::responses::item::{Message, Role};

mod input;
mod refusals;
mod tools;

/// Parses a body of which `model` and `input` are given unless `body` says otherwise.
fn parsed(body: Value) -> Result<CreateResponse, ApiError> {
    let mut whole = json!({"model": "m", "input": "hi"});
    let whole_map = whole.as_object_mut().unwrap();
    let Value::Object(body) = body else { panic!("an object") };
    whole_map.extend(body);
    parse(whole.to_string().as_bytes(), false)
}

fn accepted(body: Value) -> CreateResponse {
    parsed(body).unwrap()
}

#[test]
fn a_bare_request_has_the_defaults() {
    let request = accepted(json!({}));
    let hi = Item::Message(Message::new(Role::User, vec![Content::input_text("hi")]));
    let expected = CreateResponse { model: "m".to_owned(), input: vec![hi], ..CreateResponse::default() };
    assert_eq!(request, expected);
    assert!(request.store && request.include_obfuscation && !request.stream && !request.background);
    assert_eq!(
        serde_json::to_value(&request.text).unwrap(),
        json!({"format": {"type": "text"}, "verbosity": "medium"})
    );
}

#[test]
fn null_equals_absent_for_every_field() {
    let nulls: Value = [
        "instructions",
        "previous_response_id",
        "conversation",
        "prompt",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "max_tool_calls",
        "max_output_tokens",
        "temperature",
        "top_p",
        "presence_penalty",
        "frequency_penalty",
        "top_logprobs",
        "truncation",
        "reasoning",
        "text",
        "include",
        "store",
        "background",
        "stream",
        "stream_options",
        "metadata",
        "service_tier",
        "safety_identifier",
        "prompt_cache_key",
        "prompt_cache_retention",
        "user",
        "context_management",
        "moderation",
        "client_metadata",
    ]
    .iter()
    .map(|key| ((*key).to_owned(), Value::Null))
    .collect();
    assert_eq!(accepted(nulls), accepted(json!({})));
}

#[test]
fn every_field_is_read() {
    let request = accepted(json!({
        "instructions": "be brief", "previous_response_id": "resp_1", "prompt": {"id": "pmpt_1", "version": "2"},
        "parallel_tool_calls": false, "max_tool_calls": 3, "max_output_tokens": 16, "temperature": 0, "top_p": 1,
        "presence_penalty": -2, "frequency_penalty": 1.5, "top_logprobs": 20, "truncation": "auto",
        "reasoning": {"effort": "xhigh", "generate_summary": "auto", "context": "all_turns"},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}, "verbosity": "low"},
        "include": ["reasoning.encrypted_content", "reasoning.encrypted_content", "message.output_text.logprobs"],
        "store": false, "background": true, "stream": true,
        "stream_options": {"include_obfuscation": false, "include_tool_events": true},
        "metadata": {"k": "v"}, "service_tier": "flex", "safety_identifier": "s", "prompt_cache_key": "p",
        "prompt_cache_retention": "24h", "user": "u", "client_metadata": {"a": 1}, "frobnicate": 1,
        "context_management": [{"type": "compaction", "compact_threshold": 1000}],
    }));
    assert_eq!(request.instructions.as_deref(), Some("be brief"));
    assert_eq!(request.previous_response_id.as_deref(), Some("resp_1"));
    assert_eq!(request.prompt.as_ref().unwrap()["version"], "2");
    assert_eq!((request.max_tool_calls, request.max_output_tokens), (Some(3), Some(16)));
    assert_eq!((request.temperature, request.top_p), (Some(0.0), Some(1.0)));
    assert_eq!((request.presence_penalty, request.frequency_penalty), (Some(-2.0), Some(1.5)));
    assert_eq!((request.top_logprobs, request.truncation), (Some(20), Truncation::Auto));
    assert_eq!(
        serde_json::to_value(&request.reasoning).unwrap(),
        json!({"effort": "xhigh", "summary": "auto", "context": "all_turns"})
    );
    assert_eq!(
        serde_json::to_value(&request.text).unwrap(),
        json!({"format": {"type": "json_schema", "name": "n", "description": null, "schema": {"type": "object"},
               "strict": false}, "verbosity": "low"})
    );
    assert_eq!(request.include, [Include::EncryptedReasoning, Include::Logprobs]);
    assert!(!request.store && request.background && request.stream);
    assert!(!request.include_obfuscation && request.include_tool_events);
    assert_eq!(request.parallel_tool_calls, Some(false));
    assert_eq!(request.metadata.get("k").map(String::as_str), Some("v"));
    assert_eq!(Value::Object(request.native), json!({"client_metadata": {"a": 1}}));
    assert_eq!(request.unknown, ["frobnicate"]);
    assert_eq!(request.context_management.unwrap()[0]["compact_threshold"], 1000);
    let hints = [request.service_tier, request.safety_identifier, request.prompt_cache_key, request.user];
    assert_eq!(hints.map(Option::unwrap), ["flex", "s", "p", "u"]);
    assert_eq!(request.prompt_cache_retention.as_deref(), Some("24h"));
}

#[test]
fn a_conversation_is_an_id_or_an_object_with_one() {
    assert_eq!(accepted(json!({"conversation": "conv_1"})).conversation.as_deref(), Some("conv_1"));
    assert_eq!(accepted(json!({"conversation": {"id": "conv_1"}})).conversation.as_deref(), Some("conv_1"));
}

#[test]
fn state_makes_input_optional_and_a_prompt_makes_the_model_optional() {
    for state in [json!({"previous_response_id": "resp_1"}), json!({"conversation": "conv_1"})] {
        for input in [Value::Null, json!(""), json!([])] {
            let mut body = state.clone();
            body["input"] = input;
            assert_eq!(accepted(body).input, []);
        }
    }
    let request = parse(br#"{"prompt":{"id":"pmpt_1"}}"#, true).unwrap();
    assert_eq!((request.model.as_str(), request.input.len()), ("", 0));
}

#[test]
fn include_words_are_read_back() {
    for value in Include::ALL {
        assert_eq!(Include::parse(value.as_str()), Some(value));
    }
    assert_eq!(Include::parse("usage"), None);
}
