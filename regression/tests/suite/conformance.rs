//! Responses on the wire: order of events, the object, and that streamed and buffered are one.

use regression::fakes::model::{Say, Usage};
use serde_json::{Value, json};

use super::events::lawful;
use super::stage::{Stage, hello, kinds, last, text, weather};

#[tokio::test]
async fn a_plain_text_has_openais_events_in_order() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    stage.script(Say::text(&["Good ", "day"]));
    let events = stage.stream(&hello()).await?;
    lawful(&events)?;
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(kinds(&events), expected);
    assert_eq!(text(&last(&events)), "Good day");
    Ok(())
}

#[tokio::test]
async fn a_function_call_has_openais_events_in_order() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    stage.script(Say::call("c1", "get_weather", &json!({"city": "Paris"})));
    let mut body = hello();
    body["tools"] = json!([weather()]);
    let events = stage.stream(&body).await?;
    lawful(&events)?;
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(kinds(&events), expected);
    assert_eq!(events[2]["item"]["arguments"], "");
    assert_eq!(events[4]["name"], "get_weather");
    assert_eq!(last(&events)["output"][0]["arguments"], r#"{"city":"Paris"}"#);
    Ok(())
}

#[tokio::test]
async fn visible_thinking_is_an_item_before_the_message() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    stage.script(Say::default().and_reasoning(&["Hmm, ", "yes."]).and_text(&["Yes."]));
    let events = stage.stream(&hello()).await?;
    lawful(&events)?;
    let response = last(&events);
    assert_eq!(response["output"][0]["type"], "reasoning");
    assert_eq!(response["output"][0]["content"][0]["text"], "Hmm, yes.");
    assert_eq!(response["output"][1]["type"], "message");
    let deltas = kinds(&events).iter().filter(|kind| **kind == "response.reasoning_text.delta").count();
    assert_eq!(deltas, 2);
    Ok(())
}

#[tokio::test]
async fn the_stream_is_framed_as_sdks_expect() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let answer = stage.respond(&json!({"model": "demo", "input": "Hello", "stream": true})).await?;
    assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
    assert!(answer.header("x-request-id").is_some(), "{:?}", answer.headers);
    let frames = answer.frames()?;
    let (end, told) = frames.split_last().unwrap();
    assert_eq!(end.data, "[DONE]");
    for frame in told {
        let event: Value = serde_json::from_str(&frame.data)?;
        assert_eq!(event["type"].as_str(), frame.event.as_deref());
    }
    Ok(())
}

/// Ids, times and obfuscation differ from run to run.
fn settled(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            for key in ["id", "call_id", "item_id", "created_at", "completed_at", "obfuscation"] {
                if fields.get(key).is_some_and(|value| !value.is_null()) {
                    fields.insert(key.to_owned(), json!("…"));
                }
            }
            fields.values_mut().for_each(|value| *value = settled(value.take()));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| *value = settled(value.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    value
}

#[tokio::test]
async fn a_streamed_response_equals_a_buffered_one() -> anyhow::Result<()> {
    let says = [
        Say::text(&["Good ", "day"]),
        Say::default().and_reasoning(&["Hmm"]).and_text(&["Yes"]),
        Say::text(&["On it."]).and_call("c1", "get_weather", &json!({"city": "Oslo"})),
        Say::call("c1", "get_weather", &json!({"city": "Oslo"})).and_call(
            "c2",
            "get_weather",
            &json!({"city": "Rome"}),
        ),
        Say::text(&["Too lo"]).finish("length"),
        Say::text(&["Hm"]).finish("content_filter"),
    ];
    for native in [false, true] {
        let stage = if native { Stage::native().await? } else { Stage::chat().await? };
        for say in says.iter().map(|say| say.clone().usage(Usage::Exact { input: 7, output: 5 })) {
            let mut body = hello();
            body["tools"] = json!([weather()]);
            stage.script(say.clone()).script(say.clone());
            let buffered = stage.respond(&body).await?.json();
            let events = stage.stream(&body).await?;
            lawful(&events)?;
            assert_eq!(settled(buffered), settled(last(&events)), "native: {native}, {say:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_response_has_every_key_with_its_default() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let response = stage.respond(&hello()).await?.json();
    let expected = json!({
        "object": "response", "status": "completed", "error": null, "incomplete_details": null, "instructions": null,
        "previous_response_id": null, "max_output_tokens": null, "max_tool_calls": null, "parallel_tool_calls": true,
        "temperature": 1.0, "top_p": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0, "top_logprobs": 0,
        "truncation": "disabled", "tool_choice": "auto", "tools": [], "store": true, "background": false, "metadata": {},
        "user": null, "safety_identifier": null, "prompt_cache_key": null,
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(response.get(key), Some(value), "{key}");
    }
    for key in ["conversation", "prompt", "reasoning", "text", "service_tier", "completed_at", "usage"] {
        assert!(response.get(key).is_some(), "{key} is missing");
    }
    let first = stage.respond(&hello()).await?.text();
    assert!(first.starts_with(r#"{"id":"resp_"#), "compact, id first: {first}");
    Ok(())
}

#[tokio::test]
async fn a_length_or_filter_stop_is_incomplete() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    for (finish, reason) in [("length", "max_output_tokens"), ("content_filter", "content_filter")] {
        stage.script(Say::text(&["Half of"]).finish(finish));
        let events = stage.stream(&hello()).await?;
        lawful(&events)?;
        let response = last(&events);
        assert_eq!(
            (&response["status"], &response["incomplete_details"]["reason"]),
            (&json!("incomplete"), &json!(reason))
        );
        assert_eq!(response["output"][0]["status"], "incomplete");
        assert_eq!(response["completed_at"], Value::Null);
    }
    Ok(())
}

#[tokio::test]
async fn sampling_and_format_reach_the_model_only_when_given() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    let body = json!({
        "model": "demo", "input": "Hello", "instructions": "Be brief.", "temperature": 0.5,
        "text": {"format": {"type": "json_schema", "name": "thing", "schema": schema, "strict": true}},
    });
    stage.respond(&body).await?;
    let sent = stage.model.requests()[0].json();
    assert_eq!(sent["temperature"], 0.5);
    assert_eq!(sent.get("top_p"), None);
    assert_eq!(sent["messages"][0], json!({"role": "system", "content": "Be brief."}));
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "thing", "schema": schema, "strict": true}});
    assert_eq!(sent["response_format"], format);
    Ok(())
}

#[tokio::test]
async fn a_native_upstream_is_asked_for_one_turn_without_state() -> anyhow::Result<()> {
    let stage = Stage::native().await?;
    let first = stage.respond(&hello()).await?.json();
    assert_eq!(first["status"], "completed", "{first}");
    stage.respond(&json!({"model": "demo", "input": "Again", "previous_response_id": first["id"]})).await?;
    let sent = stage.model.requests()[1].json();
    assert_eq!(sent["store"], false);
    assert_eq!(sent.get("previous_response_id").filter(|id| !id.is_null()), None);
    assert_eq!(sent["input"].as_array().map(Vec::len), Some(3), "{}", sent["input"]);
    Ok(())
}

#[tokio::test]
async fn tokens_are_counted_without_asking_the_model() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let body = json!({"model": "demo", "input": "Hello there"});
    let answer = stage.api().post("/v1/responses/input_tokens", &body).await?;
    assert_eq!(answer.json()["object"], "response.input_tokens");
    assert!(answer.json()["input_tokens"].as_u64().is_some_and(|tokens| tokens > 0), "{}", answer.text());
    assert_eq!(stage.model.requests().len(), 0);
    Ok(())
}
