//! Which model a name means, and whom the caller's key goes to.

use regression::fakes::model::ModelServer;
use regression::harness::setup::{model, provider};
use regression::harness::{Request, Setup};
use serde_json::{Value, json};

use super::stage::Stage;

fn asked(model: &str) -> Request {
    let body = json!({"model": model, "input": "Hello", "messages": [{"role": "user", "content": "Hello"}]});
    Request::post("/v1/responses", &body).header("authorization", "Bearer key-of-the-caller")
}

#[tokio::test]
async fn an_unknown_provider_is_404_and_no_upstream_hears_of_it() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    for name in ["nobody@demo", "opnai@gpt-5", "http://127.0.0.1:1/v1@demo", "", "@demo", "fake@"] {
        let answer = stage.api().send(asked(name)).await?;
        let expected = if name.is_empty() { 400 } else { 404 };
        assert_eq!(answer.status, expected, "{name}: {}", answer.text());
    }
    for name in ["gpt", "demo"] {
        let request = asked(name).header("x-model-provider", "nobody");
        assert_eq!(stage.api().send(request).await?.json()["error"]["code"], "model_not_found");
    }
    assert_eq!(stage.model.requests().len(), 0);
    Ok(())
}

#[tokio::test]
async fn the_callers_key_goes_to_exactly_the_named_provider() -> anyhow::Result<()> {
    let other = ModelServer::start().await?;
    let second = provider("second", &other.url(), "ChatCompletions");
    let stage = Stage::with(|url| Setup::chat(url).file("second.yaml", &second)).await?;
    let answer = stage.api().send(asked("second@some/model@v2")).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = other.requests();
    assert_eq!(seen[0].header("authorization"), Some("Bearer key-of-the-caller"));
    assert_eq!(seen[0].json()["model"], "some/model@v2");
    assert_eq!(stage.model.requests().len(), 0);
    Ok(())
}

#[tokio::test]
async fn the_header_names_the_provider_where_the_model_has_no_prefix() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    for (name, sent) in [("llama", "llama"), ("FAKE@llama", "llama")] {
        let request = asked(name).header("x-model-provider", "fake");
        assert_eq!(stage.api().send(request).await?.status, 200, "{name}");
        assert_eq!(stage.model.requests().last().unwrap().json()["model"], sent);
    }
    Ok(())
}

#[tokio::test]
async fn a_provider_that_denies_callers_gets_its_own_key_only() -> anyhow::Result<()> {
    let stage = Stage::with(|url| {
        let secret =
            "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {apiKey: \"${env:OWN_KEY}\"}\n";
        let closed = provider("fake", url, "ChatCompletions")
            .replace("callerCredentials: Allow", "auth: {apiKey: {secretRef: {name: key, key: apiKey}}}");
        Setup::chat(url)
            .file("provider.yaml", &closed)
            .file("secret.yaml", secret)
            .variable("OWN_KEY", "key-of-the-proxy")
    })
    .await?;
    assert_eq!(stage.api().send(asked("fake@demo")).await?.status, 200);
    assert_eq!(stage.api().send(asked("demo")).await?.status, 200);
    for request in stage.model.requests() {
        assert_eq!(request.header("authorization"), Some("Bearer key-of-the-proxy"));
        assert!(!format!("{request:?}").contains("key-of-the-caller"));
    }
    Ok(())
}

#[tokio::test]
async fn the_built_in_openai_takes_its_address_and_key_from_the_environment() -> anyhow::Result<()> {
    let stage = Stage::with(|url| {
        Setup::without_config()
            .variable("OPENAI_BASE_URL", url)
            .variable("OPENAI_API_KEY", "key-of-the-proxy")
    })
    .await?;
    let body = json!({"model": "openai@gpt-5", "input": "Hello"});
    assert_eq!(stage.respond(&body).await?.status, 200);
    assert_eq!(stage.model.requests()[0].header("authorization"), Some("Bearer key-of-the-proxy"));
    assert_eq!(
        stage.api().send(asked("gpt-5")).await?.status,
        200,
        "names without prefix go to OPENAI_BASE_URL"
    );
    assert_eq!(stage.model.requests()[1].header("authorization"), Some("Bearer key-of-the-caller"));
    Ok(())
}

#[tokio::test]
async fn models_and_aliases_are_listed_and_read() -> anyhow::Result<()> {
    let aliased = model("smart", "Chat", "fake").replace("spec:\n", "spec:\n  aliases: [gpt-4o]\n");
    let stage = Stage::with(|url| Setup::chat(url).file("smart.yaml", &aliased)).await?;
    let listed = stage.api().get("/v1/models").await?.json();
    let ids: Vec<&str> =
        listed["data"].as_array().unwrap().iter().filter_map(|model| model["id"].as_str()).collect();
    for id in ["demo", "embed", "smart", "gpt-4o"] {
        assert!(ids.contains(&id), "{ids:?}");
        let one = stage.api().get(&format!("/v1/models/{id}")).await?.json();
        assert_eq!((one["id"].as_str(), one["object"].as_str()), (Some(id), Some("model")));
    }
    assert_eq!(stage.api().send(asked("gpt-4o")).await?.status, 200);
    assert_eq!(stage.model.requests()[0].json()["model"], "smart");
    assert_eq!(stage.api().delete("/v1/models/demo").await?.status, 403);
    Ok(())
}

#[tokio::test]
async fn the_proxy_says_how_it_is() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    assert_eq!(stage.api().get("/actuator/health").await?.json(), json!({"status": "UP"}));
    for path in ["/healthz", "/readyz", "/metrics", "/status"] {
        assert_eq!(stage.proxy.admin().get(path).await?.status, 200, "{path}");
    }
    assert_eq!(stage.api().get("/metrics").await?.status, 404, "the admin paths are not on the API port");
    let status: Value = stage.proxy.admin().get("/status").await?.json();
    assert!(status.to_string().contains("demo"), "{status}");
    Ok(())
}
