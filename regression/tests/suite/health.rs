//! What the admin port says of upstreams, by the calls that clients made.

use regression::harness::setup::{model, provider};
use regression::harness::{Proxy, Setup};
use serde_json::{Value, json};

use super::stage::{Stage, hello};

/// The condition `Healthy` of a provider.
async fn healthy(proxy: &Proxy, provider: &str) -> anyhow::Result<Value> {
    let status = proxy.admin().get("/status").await?.json();
    let objects = status["configuration"]["objects"].as_array().cloned().unwrap_or_default();
    let object = objects.into_iter().find(|one| one["kind"] == "ModelProvider" && one["name"] == provider);
    let conditions = object.unwrap_or_default()["conditions"].as_array().cloned().unwrap_or_default();
    Ok(conditions.into_iter().find(|one| one["type"] == "Healthy").unwrap_or_default())
}

#[tokio::test]
async fn three_calls_tell_whether_an_upstream_answers() -> anyhow::Result<()> {
    let stage = Stage::with(|url| {
        let away = provider("away", "http://127.0.0.1:1", "ChatCompletions");
        Setup::chat(url).file("away.yaml", &format!("{away}---\n{}", model("lost", "Chat", "away")))
    })
    .await?;
    for call in 0..3 {
        let before = healthy(&stage.proxy, "fake").await?;
        assert_eq!((&before["status"], &before["reason"]), (&Value::Null, &json!("NotProbed")), "{call}");
        assert_eq!(stage.respond(&hello()).await?.status, 200);
    }
    let after = healthy(&stage.proxy, "fake").await?;
    assert_eq!((&after["status"], &after["reason"]), (&json!(true), &json!("Healthy")));

    for _ in 0..3 {
        assert_eq!(stage.respond(&json!({"model": "lost", "input": "Hello"})).await?.status, 502);
    }
    let lost = healthy(&stage.proxy, "away").await?;
    assert_eq!((&lost["status"], &lost["reason"]), (&json!(false), &json!("Unreachable")), "{lost}");
    assert_eq!(healthy(&stage.proxy, "fake").await?["status"], true, "each for itself");
    Ok(())
}
