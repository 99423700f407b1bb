//! What real model servers do, through the running proxy, streamed and buffered.

use regression::fakes::model::{Ending, Say, Script, Usage};
use serde_json::{Value, json};

use super::events::lawful;
use super::stage::{Stage, hello, last, text, weather};

fn chunk(delta: &Value, finish: &Value) -> String {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
    format!(
        "data: {}\n\n",
        json!({"id": "c", "object": "chat.completion.chunk", "model": "demo", "choices": [choice]})
    )
}

/// The response to a stream of these bytes.
async fn told(pieces: &[&str]) -> anyhow::Result<Value> {
    let stage = Stage::chat().await?;
    stage.script(Script::stream(pieces, Ending::Clean));
    let mut body = hello();
    body["tools"] = json!([weather()]);
    let events = stage.stream(&body).await?;
    lawful(&events)?;
    Ok(last(&events))
}

fn calls(response: &Value) -> Vec<String> {
    let items = response["output"].as_array().map(Vec::as_slice).unwrap_or_default();
    let calls = items.iter().filter(|item| item["type"] == "function_call");
    calls.filter_map(|call| call["arguments"].as_str()).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_missing_usage_is_estimated() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    for streamed in [false, true] {
        stage.script(Say::text(&["Good ", "day"]).usage(Usage::Absent));
        let response = if streamed {
            last(&stage.stream(&hello()).await?)
        } else {
            stage.respond(&hello()).await?.json()
        };
        let usage = &response["usage"];
        assert!(usage["output_tokens"].as_u64().is_some_and(|tokens| tokens > 0), "{response}");
        let sum = usage["input_tokens"].as_u64().unwrap_or_default()
            + usage["output_tokens"].as_u64().unwrap_or_default();
        assert_eq!(usage["total_tokens"], sum);
    }
    Ok(())
}

#[tokio::test]
async fn usage_in_every_chunk_is_not_summed() -> anyhow::Result<()> {
    let usage = |n: u64| {
        format!(
            "data: {}\n\n",
            json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": n, "total_tokens": 3 + n}})
        )
    };
    let (one, two) = (usage(1), usage(2));
    let text = chunk(&json!({"content": "Hi"}), &Value::Null);
    let stop = chunk(&json!({}), &json!("stop"));
    let response = told(&[&one, &text, &two, &stop, "data: [DONE]\n\n"]).await?;
    assert_eq!(
        (&response["usage"]["input_tokens"], &response["usage"]["output_tokens"]),
        (&json!(3), &json!(2))
    );
    Ok(())
}

#[tokio::test]
async fn a_finish_completes_without_done_and_empty_choices_do_no_harm() -> anyhow::Result<()> {
    let azure = "data: {\"id\":\"\",\"choices\":[],\"prompt_filter_results\":[]}\n\n";
    let text_chunk = chunk(&json!({"role": "assistant", "content": "Hi"}), &Value::Null);
    let stop = chunk(&json!({}), &json!("stop"));
    let response = told(&[azure, &text_chunk, &stop, &stop]).await?;
    assert_eq!((response["status"].as_str(), text(&response).as_str()), (Some("completed"), "Hi"));
    Ok(())
}

#[tokio::test]
async fn line_ends_comments_and_splits_do_not_matter() -> anyhow::Result<()> {
    let text_chunk = chunk(&json!({"content": "h\u{e9}llo"}), &Value::Null);
    let stop = chunk(&json!({}), &json!("stop"));
    let stream = format!("\u{feff}: PROCESSING\n\n{text_chunk}event: x\n{stop}data: [DONE]\n\n");
    let forms = [stream.clone(), stream.replace('\n', "\r\n"), stream.replace("data: ", "data:")];
    for form in forms {
        let stage = Stage::chat().await?;
        let bytes = form.bytes().map(|byte| vec![byte]).map(regression::fakes::model::Piece::Bytes).collect();
        let headers = vec![("content-type".to_owned(), "text/event-stream".to_owned())];
        let raw = regression::fakes::model::Raw {
            status: 200,
            headers,
            pieces: bytes,
            pace_ms: 0,
            ending: Ending::Clean,
        };
        stage.script(Script::new(regression::fakes::model::Reply::Raw(raw)));
        let events = stage.stream(&hello()).await?;
        lawful(&events)?;
        assert_eq!(text(&last(&events)), "h\u{e9}llo");
    }
    Ok(())
}

#[tokio::test]
async fn calls_with_finish_stop_without_ids_or_indexes_are_calls() -> anyhow::Result<()> {
    let call = |city: &str| json!({"tool_calls": [{"function": {"name": "get_weather", "arguments": format!("{{\"city\":\"{city}\"}}")}}]});
    let (one, two) = (chunk(&call("Rome"), &Value::Null), chunk(&call("Oslo"), &Value::Null));
    let stop = chunk(&json!({}), &json!("stop"));
    let response = told(&[&one, &two, &stop]).await?;
    assert_eq!(calls(&response), [r#"{"city":"Rome"}"#, r#"{"city":"Oslo"}"#], "{response}");
    let ids: Vec<&Value> =
        response["output"].as_array().unwrap().iter().map(|item| &item["call_id"]).collect();
    assert_ne!(ids[0], ids[1]);
    Ok(())
}

#[tokio::test]
async fn interleaved_calls_are_put_together_by_index() -> anyhow::Result<()> {
    let delta = |index: u64, id: &Value, name: &Value, arguments: &str| {
        chunk(
            &json!({"tool_calls": [{"index": index, "id": id, "function": {"name": name, "arguments": arguments}}]}),
            &Value::Null,
        )
    };
    let name = json!("get_weather");
    let chunks = [
        delta(0, &json!("a"), &name, "{\"city\":"),
        delta(1, &json!("b"), &name, "{\"city\":"),
        delta(0, &Value::Null, &Value::Null, "\"Rome\"}"),
        delta(1, &Value::Null, &Value::Null, "\"Oslo\"}"),
        chunk(&json!({}), &json!("tool_calls")),
    ];
    let pieces: Vec<&str> = chunks.iter().map(String::as_str).collect();
    assert_eq!(calls(&told(&pieces).await?), [r#"{"city":"Rome"}"#, r#"{"city":"Oslo"}"#]);
    Ok(())
}

#[tokio::test]
async fn empty_arguments_are_an_empty_object() -> anyhow::Result<()> {
    let call = chunk(
        &json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "get_weather", "arguments": ""}}]}),
        &Value::Null,
    );
    let response = told(&[&call, &chunk(&json!({}), &json!("tool_calls"))]).await?;
    assert_eq!(calls(&response), ["{}"]);
    Ok(())
}

#[tokio::test]
async fn thinking_is_found_under_each_of_its_names() -> anyhow::Result<()> {
    let stop = chunk(&json!({}), &json!("stop"));
    let answer = chunk(&json!({"content": "Yes"}), &Value::Null);
    for key in ["reasoning_content", "reasoning"] {
        let thought = chunk(&json!({ key: "Hmm" }), &Value::Null);
        let response = told(&[&thought, &answer, &stop]).await?;
        assert_eq!(response["output"][0]["content"][0]["text"], "Hmm", "{key}: {response}");
        assert_eq!(text(&response), "Yes");
    }
    Ok(())
}

#[tokio::test]
async fn think_tags_are_cut_out_of_the_text_also_when_split() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    for streamed in [false, true] {
        stage.script(Say::text(&["<thi", "nk>Hm", "m</th", "ink>Yes"]));
        let response = if streamed {
            last(&stage.stream(&hello()).await?)
        } else {
            stage.respond(&hello()).await?.json()
        };
        assert_eq!(text(&response).trim(), "Yes", "{response}");
        assert_eq!(response["output"][0]["type"], "reasoning", "{response}");
        assert_eq!(response["output"][0]["content"][0]["text"], "Hmm");
    }
    Ok(())
}

#[tokio::test]
async fn json_instead_of_a_stream_is_an_answer() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let message = json!({"role": "assistant", "content": "Hi"});
    let object = json!({"id": "c", "object": "chat.completion", "model": "demo", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
    stage.script(Script::error(200, &object));
    let events = stage.stream(&hello()).await?;
    lawful(&events)?;
    assert_eq!(text(&last(&events)), "Hi");
    Ok(())
}

#[tokio::test]
async fn a_refusal_of_the_model_is_a_refusal_part() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    stage.script(
        Say::default().then(regression::fakes::model::Part::Refusal(vec!["I ".into(), "won't".into()])),
    );
    let response = last(&stage.stream(&hello()).await?);
    assert_eq!(response["output"][0]["content"][0], json!({"type": "refusal", "refusal": "I won't"}));
    Ok(())
}
