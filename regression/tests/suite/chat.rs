//! Chat Completions: passed on as it is where nothing is needed from the server, stored where asked, looped with server tools.

use regression::fakes::model::{Ending, Say, Script};
use regression::harness::{Answer, Request};
use serde_json::{Value, json};

use super::stage::Stage;

const PATH: &str = "/v1/chat/completions";

fn hello() -> Value {
    json!({"model": "demo", "messages": [{"role": "user", "content": "Hello"}]})
}

async fn chat(stage: &Stage, body: &Value) -> anyhow::Result<Answer> {
    stage.api().post(PATH, body).await
}

#[tokio::test]
async fn an_answer_is_relayed_byte_for_byte() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let object = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "demo", "x_vendor": {"a": [1.50, 2e3]},
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "h\u{e9}"}, "finish_reason": "stop"}],
    });
    let spaced = serde_json::to_string_pretty(&object)?;
    stage.script(Script::stream(&[&spaced], Ending::Clean).header("content-type", "application/json"));
    assert_eq!(chat(&stage, &hello()).await?.text(), spaced);
    Ok(())
}

#[tokio::test]
async fn a_stream_is_relayed_byte_for_byte() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let chunk = |content: &str| {
        let choice = json!({"index": 0, "delta": {"content": content, "x_vendor": 1}, "finish_reason": null});
        format!(
            "data: {}\n\n",
            json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice]})
        )
    };
    let (one, two) = (chunk("one"), chunk("two"));
    let pieces = [": a comment\n\n", one.as_str(), two.as_str(), "data: [DONE]\n\n"];
    stage.script(Script::stream(&pieces, Ending::Clean));
    let mut body = hello();
    body["stream"] = json!(true);
    let answer = chat(&stage, &body).await?;
    assert_eq!(answer.text(), pieces.concat());
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream")));
    Ok(())
}

#[tokio::test]
async fn only_the_model_changes_in_a_relayed_request() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let body = r#"{ "model":"fake@other/name", "messages":[{"role":"user","content":"Hé\u00e9"}],"x_vendor":{"b":1.0,"a":2}}"#;
    let request = Request::new("POST", PATH).header("content-type", "application/json").body(body);
    assert_eq!(stage.api().send(request).await?.status, 200);
    assert_eq!(stage.model.requests()[0].body, body.replace("fake@other/name", "other/name"));
    Ok(())
}

#[tokio::test]
async fn a_refusal_of_the_upstream_keeps_status_and_message() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let error = json!({"error": {"message": "Unsupported value: 'n'.", "type": "invalid_request_error", "param": "n", "code": "bad"}});
    for path in [PATH, "/v1/responses"] {
        stage.script(Script::error(400, &error));
        let mut body = hello();
        body["input"] = json!("Hello");
        let answer = stage.api().post(path, &body).await?;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
        assert_eq!(answer.json()["error"]["message"], "Unsupported value: 'n'.", "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stored_completion_can_be_read_changed_and_deleted() -> anyhow::Result<()> {
    for streamed in [false, true] {
        let stage = Stage::chat().await?;
        let mut body = hello();
        body["store"] = json!(true);
        body["stream"] = json!(streamed);
        body["metadata"] = json!({"k": "v"});
        let answer = chat(&stage, &body).await?;
        let id = if streamed { answer.events()?[0]["id"].clone() } else { answer.json()["id"].clone() };
        let path = format!("{PATH}/{}", id.as_str().unwrap_or_default());
        let stored = stage.api().get(&path).await?;
        assert_eq!(stored.status, 200, "streamed: {streamed}, {}", stored.text());
        let content = stored.json()["choices"][0]["message"]["content"].clone();
        assert!(content.as_str().is_some_and(|text| text.ends_with("You said: Hello")), "{content}");
        let changed = stage.api().post(&path, &json!({"metadata": {"k": "w"}})).await?;
        assert_eq!(changed.json()["metadata"], json!({"k": "w"}));
        let messages = stage.api().get(&format!("{path}/messages")).await?.json();
        assert_eq!(messages["data"][0]["content"], "Hello");
        let listed = stage.api().get(&format!("{PATH}?metadata%5Bk%5D=w")).await?.json();
        assert_eq!(listed["data"][0]["id"], id);
        let none = stage.api().get(&format!("{PATH}?metadata%5Bk%5D=v")).await?.json();
        assert_eq!((none["data"].as_array().map(Vec::len), none["first_id"].clone()), (Some(0), Value::Null));
        let deleted = stage.api().delete(&path).await?.json();
        assert_eq!(deleted, json!({"object": "chat.completion.deleted", "id": id, "deleted": true}));
        assert_eq!(stage.api().get(&path).await?.status, 404);
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_stored_is_not_found() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let id = chat(&stage, &hello()).await?.json()["id"].clone();
    assert_eq!(stage.api().get(&format!("{PATH}/{}", id.as_str().unwrap())).await?.status, 404);
    assert_eq!(stage.api().get(PATH).await?.json()["data"], json!([]));
    Ok(())
}

#[tokio::test]
async fn server_tools_run_in_the_loop_and_the_client_sees_one_completion() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    for streamed in [false, true] {
        stage.model.reset();
        stage
            .script(Say::call("c1", "think", &json!({"thought": "Hm"})))
            .script(Say::text(&["Well ", "thought"]));
        let mut body = hello();
        body["tools"] = json!([{"type": "think"}]);
        body["stream"] = json!(streamed);
        body["stream_options"] = if streamed { json!({"include_usage": true}) } else { Value::Null };
        let answer = chat(&stage, &body).await?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        if streamed {
            one_stream(&answer)?;
        } else {
            let choice = answer.json()["choices"][0].clone();
            assert_eq!(
                (&choice["message"]["content"], &choice["finish_reason"]),
                (&json!("Well thought"), &json!("stop"))
            );
            assert_eq!(choice["message"].get("tool_calls").filter(|calls| !calls.is_null()), None);
        }
        assert_eq!(stage.model.requests().len(), 2);
    }
    Ok(())
}

fn one_stream(answer: &Answer) -> anyhow::Result<()> {
    let frames = answer.frames()?;
    assert!(frames.iter().all(|frame| frame.event.is_none()), "data only");
    assert_eq!(frames.last().map(|frame| frame.data.as_str()), Some("[DONE]"));
    let chunks = answer.events()?;
    let deltas = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
    assert_eq!(deltas.collect::<String>(), "Well thought");
    assert!(chunks.iter().all(|chunk| chunk["id"] == chunks[0]["id"]), "one id");
    assert!(
        chunks.iter().all(|chunk| chunk["choices"][0]["delta"].get("tool_calls").is_none()),
        "no inner calls"
    );
    let usage = &chunks[chunks.len() - 1]["usage"];
    assert!(usage["total_tokens"].as_u64().is_some_and(|tokens| tokens > 0), "{usage}");
    Ok(())
}

#[tokio::test]
async fn an_error_in_mid_stream_of_a_loop_is_a_frame_and_an_end() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    stage.script(Say::text(&["one", "two"]).cut(1, Ending::Fin));
    let mut body = hello();
    body["tools"] = json!([{"type": "think"}]);
    body["stream"] = json!(true);
    let answer = chat(&stage, &body).await?;
    let chunks = answer.events()?;
    assert!(chunks.iter().any(|chunk| chunk["error"]["message"].is_string()), "{}", answer.text());
    assert!(chunks.iter().all(|chunk| chunk["choices"][0]["finish_reason"].is_null()), "{}", answer.text());
    assert!(answer.text().ends_with("data: [DONE]\n\n"));
    Ok(())
}
