use serde_json::{Value, json};

use super::*;
use crate::harness::{Client, Request};

const CHAT: &str = "/v1/chat/completions";

fn asked(stream: bool) -> Value {
    json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "Hello there"}]})
}

async fn server(script: impl Into<Script>) -> anyhow::Result<(ModelServer, Client)> {
    let server = ModelServer::start().await?;
    server.script(script);
    let client = Client::new(server.address());
    Ok((server, client))
}

#[tokio::test]
async fn a_scripted_text_is_streamed_in_its_chunks() -> anyhow::Result<()> {
    let (_server, client) = server(Say::text(&["Good ", "day"])).await?;
    let events = client.post(CHAT, &asked(true)).await?.events()?;
    let texts: Vec<&str> =
        events.iter().filter_map(|e| e["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(texts, ["", "Good ", "day"]);
    assert_eq!(events.last().unwrap()["choices"][0]["finish_reason"], "stop");
    Ok(())
}

#[tokio::test]
async fn a_buffered_answer_says_the_same_with_usage() -> anyhow::Result<()> {
    let say = Say::text(&["Good ", "day"]).and_call("c1", "f", &json!({"a": 1}));
    let (_server, client) = server(say).await?;
    let object = client.post(CHAT, &asked(false)).await?.json();
    assert_eq!(object["choices"][0]["message"]["content"], "Good day");
    assert_eq!(object["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], r#"{"a":1}"#);
    assert_eq!(object["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(object["usage"]["prompt_tokens"], 3, "two words and the role");
    Ok(())
}

#[tokio::test]
async fn a_stream_of_responses_ends_with_its_object() -> anyhow::Result<()> {
    let (_server, client) = server(Say::text(&["Good ", "day"]).and_call("c1", "f", &json!({}))).await?;
    let body = json!({"model": "m", "stream": true, "input": "Hello"});
    let events = client.post("/v1/responses", &body).await?.events()?;
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    assert_eq!(last["response"]["output"][0]["content"][0]["text"], "Good day");
    assert_eq!(last["response"]["output"][1]["name"], "f");
    assert_eq!(events.iter().filter(|e| e["type"] == "response.output_text.delta").count(), 2);
    Ok(())
}

#[tokio::test]
async fn a_cut_stream_holds_what_came_before_and_no_more() -> anyhow::Result<()> {
    for ending in [Ending::Fin, Ending::Reset] {
        let (_server, client) = server(Say::text(&["one", "two", "three"]).cut(2, ending)).await?;
        let mut open = client.open(Request::post(CHAT, &asked(true))).await?;
        open.until("two").await?;
        let error = open.finish().await.expect_err("cut");
        let reset = error.to_string().contains("reset");
        assert_eq!(reset, ending == Ending::Reset, "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn a_client_that_leaves_is_counted_as_aborted() -> anyhow::Result<()> {
    let (server, client) = server(Say::text(&["one", "two"]).cut(1, Ending::Stall)).await?;
    let mut open = client.open(Request::post(CHAT, &asked(true))).await?;
    open.until("one").await?;
    assert_eq!(server.counts().open, 1);
    drop(open);
    let counts = server.until(|counts| counts.aborted == 1).await?;
    assert_eq!((counts.open, counts.requests), (0, 1));
    Ok(())
}

#[tokio::test]
async fn a_finished_answer_is_not_counted_as_aborted() -> anyhow::Result<()> {
    let (server, client) = server(Say::text(&["one"])).await?;
    client.post(CHAT, &asked(true)).await?;
    client.post(CHAT, &asked(false)).await?;
    let counts = server.until(|counts| counts.open == 0 && counts.connections == 0).await?;
    assert_eq!((counts.requests, counts.aborted), (2, 0));
    Ok(())
}

#[tokio::test]
async fn scripts_are_matched_by_path_and_text_and_used_up() -> anyhow::Result<()> {
    let (server, client) = server(Script::text("for embeddings").on("/embeddings")).await?;
    server.script(Script::text("for others").containing("nobody says this"));
    server.script(Script::error(429, &json!({"error": {}})).header("retry-after", "7").times(2));
    for _ in 0..2 {
        let refused = client.post(CHAT, &asked(false)).await?;
        assert_eq!((refused.status, refused.header("retry-after")), (429, Some("7")));
    }
    let demo = client.post(CHAT, &asked(false)).await?.text();
    assert!(demo.contains("I am the demo model"), "{demo}");
    Ok(())
}

#[tokio::test]
async fn requests_are_recorded_and_scripts_come_over_http() -> anyhow::Result<()> {
    let server = ModelServer::start().await?;
    let client = Client::new(server.address());
    let script = json!([{"reply": {"say": {"parts": [{"text": ["scripted"]}], "usage": "absent"}}}]);
    assert_eq!(client.post("/_script", &script).await?.status, 200);
    let request = Request::post(CHAT, &asked(false)).header("authorization", "Bearer k");
    let object = client.send(request).await?.json();
    assert_eq!(
        (object["choices"][0]["message"]["content"].as_str(), object.get("usage")),
        (Some("scripted"), None)
    );
    let requests = client.get("/_requests").await?.json();
    assert_eq!(requests[0]["path"], CHAT);
    assert_eq!(server.requests()[0].header("authorization"), Some("Bearer k"));
    assert_eq!(client.post("/_script", &json!({"replies": 1})).await?.status, 400);
    client.post("/_reset", &json!({})).await?;
    assert_eq!(server.requests().len(), 0);
    Ok(())
}

#[tokio::test]
async fn an_answer_may_never_come_or_be_refused_by_a_reset() -> anyhow::Result<()> {
    let (server, client) = server(Script::new(Reply::Hang(Ending::Reset))).await?;
    assert!(client.post(CHAT, &asked(false)).await.is_err());
    server.script(Script::new(Reply::Silence));
    let silent = client.open(Request::post(CHAT, &asked(false)));
    let waited = tokio::time::timeout(std::time::Duration::from_millis(50), silent).await;
    assert!(waited.is_err(), "an answer came");
    server.until(|counts| counts.aborted == 1).await?;
    Ok(())
}

#[tokio::test]
async fn embeddings_are_the_same_for_the_same_text_in_both_formats() -> anyhow::Result<()> {
    let server = ModelServer::start().await?;
    let client = Client::new(server.address());
    let floats = client
        .post("/v1/embeddings", &json!({"model": "e", "input": ["a", "b"], "dimensions": 2}))
        .await?
        .json();
    let coded = json!({"model": "e", "input": "a", "dimensions": 2, "encoding_format": "base64"});
    let coded = client.post("/v1/embeddings", &coded).await?.json();
    let bytes = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        coded["data"][0]["embedding"].as_str().unwrap(),
    )?;
    let first = f32::from_le_bytes(bytes[..4].try_into()?);
    assert!((f64::from(first) - floats["data"][0]["embedding"][0].as_f64().unwrap()).abs() < 1e-6);
    assert_ne!(floats["data"][0]["embedding"], floats["data"][1]["embedding"]);
    Ok(())
}
