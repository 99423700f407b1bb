use serde_json::{Value, json};

use super::*;
use crate::fakes::model::Part;

fn weather() -> Value {
    let city = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    json!({"type": "function", "function": {"name": "get_weather", "parameters": city}})
}

fn text(request: &Value) -> String {
    match answer(request).unwrap().parts.as_slice() {
        [Part::Text(chunks)] => chunks.concat(),
        other => panic!("no text: {other:?}"),
    }
}

fn call_of(request: &Value) -> (String, Value) {
    match answer(request).unwrap().parts.as_slice() {
        [Part::Call(call)] => (call.name.clone(), serde_json::from_str(&call.arguments.concat()).unwrap()),
        other => panic!("no call: {other:?}"),
    }
}

#[test]
fn it_says_that_it_is_no_language_model() {
    let said = text(&json!({"messages": [{"role": "user", "content": "Hello"}]}));
    assert_eq!(said, "I am the demo model: no language model, only fixed rules. You said: Hello");
}

#[test]
fn it_tells_what_was_said_before() {
    let said = text(&json!({"messages": [
        {"role": "user", "content": "One"}, {"role": "assistant", "content": "…"}, {"role": "user", "content": "Two"},
    ]}));
    assert!(said.ends_with("You said: Two Before that: One"), "{said}");
}

#[test]
fn a_function_that_the_text_names_is_called_with_a_name_from_the_text() {
    let request = json!({"messages": [{"role": "user", "content": "How is the weather in Paris?"}], "tools": [weather()]});
    assert_eq!(call_of(&request), ("get_weather".to_owned(), json!({"city": "Paris"})));
}

#[test]
fn a_function_that_the_text_does_not_name_is_not_called() {
    let request = json!({"messages": [{"role": "user", "content": "Hello"}], "tools": [weather()]});
    assert!(text(&request).contains("You said: Hello"));
}

#[test]
fn a_required_choice_calls_and_none_does_not() {
    let mut request = json!({"messages": [{"role": "user", "content": "Hello"}], "tools": [weather()], "tool_choice": "required"});
    assert_eq!(call_of(&request).0, "get_weather");
    request["tool_choice"] = json!("none");
    request["messages"][0]["content"] = json!("weather");
    assert!(text(&request).contains("You said: weather"));
}

#[test]
fn file_search_gets_the_words_of_the_user() {
    let query = json!({"type": "object", "properties": {"query": {"type": "string"}}});
    let tool = json!({"type": "function", "function": {"name": "file_search_1", "parameters": query}});
    let request = json!({"messages": [{"role": "user", "content": "What do foxes eat?"}], "tools": [tool]});
    assert_eq!(call_of(&request), ("file_search_1".to_owned(), json!({"query": "What do foxes eat?"})));
}

#[test]
fn after_a_tool_it_says_what_the_tool_answered() {
    let said = text(&json!({"messages": [
        {"role": "user", "content": "weather"},
        {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "get_weather", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "22 degrees"},
    ], "tools": [weather()]}));
    assert_eq!(said, "The tool answered: 22 degrees");
}

#[test]
fn after_thinking_it_answers_the_user() {
    let think = json!({"type": "function", "function": {"name": "think", "parameters": {}}});
    let mut request = json!({"messages": [{"role": "user", "content": "Please think"}], "tools": [think]});
    assert_eq!(call_of(&request).0, "think");
    request["messages"] = json!([
        {"role": "user", "content": "Please think"},
        {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "think", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "ok"},
    ]);
    assert!(text(&request).contains("You said: Please think"));
}

#[test]
fn a_schema_gives_an_object_of_its_form() {
    let schema = json!({
        "type": "object",
        "properties": {"city": {"$ref": "#/$defs/City"}, "days": {"type": "integer"}, "note": {"anyOf": [{"type": "null"}, {"type": "string"}]}},
        "$defs": {"City": {"type": "string", "enum": ["Rome", "Oslo"]}},
    });
    let request = json!({
        "messages": [{"role": "user", "content": "Plan 3 days in Rome"}],
        "response_format": {"type": "json_schema", "json_schema": {"schema": schema}},
    });
    let said: Value = serde_json::from_str(&text(&request)).unwrap();
    assert_eq!(said, json!({"city": "Rome", "days": 3, "note": "Rome"}));
}

#[test]
fn the_body_of_responses_is_read_as_well() {
    let request = json!({"model": "demo", "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "weather"}]},
        {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "rain"},
    ]});
    assert_eq!(text(&request), "The tool answered: rain");
}

#[test]
fn a_body_without_messages_is_refused() {
    assert!(answer(&json!({"model": "demo"})).is_err());
}
