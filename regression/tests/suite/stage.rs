//! A scripted model server with the proxy in front of it.

use regression::fakes::model::{ModelServer, Script};
use regression::harness::{Answer, Client, Proxy, Setup};
use serde_json::{Value, json};

pub(crate) struct Stage {
    pub(crate) model: ModelServer,
    pub(crate) proxy: Proxy,
}

impl Stage {
    /// A provider that speaks Chat Completions.
    pub(crate) async fn chat() -> anyhow::Result<Self> {
        Self::with(Setup::chat).await
    }

    /// A provider that speaks Responses.
    pub(crate) async fn native() -> anyhow::Result<Self> {
        Self::with(Setup::native).await
    }

    /// A setup made for the model server's URL.
    pub(crate) async fn with(setup: impl FnOnce(&str) -> Setup) -> anyhow::Result<Self> {
        let model = ModelServer::start().await?;
        let proxy = setup(&model.url()).start().await?;
        Ok(Self { model, proxy })
    }

    pub(crate) fn api(&self) -> Client {
        self.proxy.api()
    }

    /// Adds a script.
    pub(crate) fn script(&self, script: impl Into<Script>) -> &Self {
        self.model.script(script);
        self
    }

    /// Creates a response.
    pub(crate) async fn respond(&self, body: &Value) -> anyhow::Result<Answer> {
        self.api().post("/v1/responses", body).await
    }

    /// Creates a streamed response and returns its events.
    pub(crate) async fn stream(&self, body: &Value) -> anyhow::Result<Vec<Value>> {
        let mut body = body.clone();
        body["stream"] = json!(true);
        let answer = self.respond(&body).await?;
        anyhow::ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
        answer.events()
    }
}

/// A function tool of the client.
pub(crate) fn weather() -> Value {
    json!({
        "type": "function", "name": "get_weather", "strict": false,
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    })
}

/// A request that says hello.
pub(crate) fn hello() -> Value {
    json!({"model": "demo", "input": "Hello"})
}

/// The kinds of events, in order.
pub(crate) fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["type"].as_str()).collect()
}

/// The response of the last event.
pub(crate) fn last(events: &[Value]) -> Value {
    events.last().map(|event| event["response"].clone()).unwrap_or_default()
}

/// The text of all messages of a response.
pub(crate) fn text(response: &Value) -> String {
    let items = response["output"].as_array().map(Vec::as_slice).unwrap_or_default();
    let parts = items.iter().filter_map(|item| item["content"].as_array()).flatten();
    parts.filter(|part| part["type"] == "output_text").filter_map(|part| part["text"].as_str()).collect()
}
