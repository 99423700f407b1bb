//! Every mistake of a client has OpenAI's envelope, status, code and param; the model is not asked.

use regression::harness::{Answer, Request, Setup};
use serde_json::{Value, json};

use super::stage::{Stage, hello};

/// One JSON object a line: name, body, status, code, param.
fn mistakes() -> serde_json::Result<Vec<Value>> {
    include_str!("mistakes.jsonl").lines().map(serde_json::from_str).collect()
}

fn envelope(answer: &Answer) -> Value {
    let body = answer.json();
    let keys: Vec<&String> = body["error"].as_object().into_iter().flat_map(|fields| fields.keys()).collect();
    assert_eq!(keys, ["message", "type", "param", "code"], "{}", answer.text());
    assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.header("x-request-id").is_some());
    body["error"].clone()
}

#[tokio::test]
async fn a_mistake_in_a_request_is_named_streamed_or_not() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let mut wrong = Vec::new();
    for mistake in mistakes()? {
        for streamed in [false, true] {
            let mut body = mistake["body"].clone();
            body["stream"] = json!(streamed);
            let answer = stage.respond(&body).await?;
            let error = envelope(&answer);
            let got = json!({"status": answer.status, "code": error["code"], "param": error["param"]});
            if ["status", "code", "param"].iter().any(|key| got[*key] != mistake[*key]) {
                wrong.push(format!("{mistake}: got {got}: {}", error["message"]));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(stage.model.requests().len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_no_json_is_400() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    for path in ["/v1/responses", "/v1/chat/completions", "/v1/embeddings"] {
        for body in ["{", "[]", "\"text\"", ""] {
            let request = Request::new("POST", path).header("content-type", "application/json").body(body);
            let answer = stage.api().send(request).await?;
            assert_eq!(answer.status, 400, "{path} {body}");
            assert_eq!(envelope(&answer)["type"], "invalid_request_error");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_body_above_the_limit_is_413() -> anyhow::Result<()> {
    let stage = Stage::with(|url| Setup::chat(url).flags(&["--request-bytes", "10000"])).await?;
    let body = json!({"model": "demo", "input": "x".repeat(20_000)});
    let answer = stage.respond(&body).await?;
    assert_eq!(answer.status, 413);
    envelope(&answer);
    assert_eq!(stage.respond(&hello()).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn unknown_paths_methods_and_ids_are_told_apart() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let unknown = format!("/v1/responses/resp_{}", "0".repeat(48));
    for (method, path, status) in [
        ("GET", "/v1/nothing", 404),
        ("GET", "/", 404),
        ("POST", "/v1/responses/resp_1/nothing", 404),
        ("PUT", "/v1/responses", 405),
        ("DELETE", "/v1/embeddings", 405),
        ("GET", unknown.as_str(), 404),
        ("DELETE", unknown.as_str(), 404),
        ("GET", "/v1/responses/nonsense", 404),
        ("GET", "/v1/chat/completions/chatcmpl-nothing", 404),
        ("GET", "/v1/models/nobody", 404),
    ] {
        let answer = stage.api().send(Request::new(method, path)).await?;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        envelope(&answer);
        assert_eq!(answer.header("allow").is_some(), status == 405, "{method} {path}");
    }
    let nowhere = stage.api().post("/v1/nothing", &json!({})).await?;
    assert_eq!(nowhere.json()["error"]["message"], "Invalid URL (POST /v1/nothing)");
    Ok(())
}

#[tokio::test]
async fn a_socket_upgrade_is_426() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let request = Request::new("GET", "/v1/responses").header("upgrade", "websocket");
    assert_eq!(stage.api().send(request).await?.status, 426);
    Ok(())
}

#[tokio::test]
async fn unknown_fields_are_accepted_unless_strict() -> anyhow::Result<()> {
    let body = json!({"id": "3f0c", "model": "demo", "input": "Hello", "client_metadata": {"a": 1}});
    let lenient = Stage::chat().await?;
    let answer = lenient.respond(&body).await?.json();
    assert!(answer["id"].as_str().is_some_and(|id| id.starts_with("resp_")), "{answer}");
    let strict = Stage::with(|url| Setup::chat(url).flags(&["--strict"])).await?;
    let refused = strict.respond(&body).await?;
    assert_eq!((refused.status, refused.json()["error"]["code"].as_str()), (400, Some("unknown_parameter")));
    Ok(())
}

#[tokio::test]
async fn the_callers_request_id_comes_back() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let request = Request::post("/v1/responses", &hello()).header("x-request-id", "my-own-1");
    assert_eq!(stage.api().send(request).await?.header("x-request-id"), Some("my-own-1"));
    Ok(())
}

#[tokio::test]
async fn no_prompt_and_no_key_is_logged() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let body = json!({"model": "demo", "input": "the-secret-words"});
    let request = Request::post("/v1/responses", &body).header("authorization", "Bearer the-secret-key");
    assert_eq!(stage.api().send(request).await?.status, 200);
    let log = stage.proxy.logged("/v1/responses").await?;
    assert!(!log.contains("the-secret-words") && !log.contains("the-secret-key"), "{log}");
    Ok(())
}
