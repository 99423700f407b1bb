//! What is taken away while a response is on its way.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use regression::fakes::mcp::{Act, Behaviour, McpServer, Tool};
use regression::fakes::model::{ModelServer, Say};
use regression::harness::{Answer, Proxy, Request, Setup};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::events::lawful;
use super::stage::{kinds, last, text};

const KEY: &str = "flk-a-key-that-is-long-enough-for-all";

const GATEWAY: &str = "apiVersion: fairlead.dev/v1alpha1
kind: ResponsesGateway
metadata: {name: main}
spec:
  authentication: {methods: [APIKey]}
";

const POLICY: &str = "apiVersion: fairlead.dev/v1alpha1
kind: ToolPolicy
metadata: {name: closed}
spec:
  targetRefs: [{kind: ResponsesGateway, name: main}]
  defaultAction: Deny
";

/// A proxy whose only tool waits until it is released.
struct Scene {
    model: ModelServer,
    server: McpServer,
    proxy: Proxy,
    released: Arc<Notify>,
}

fn key() -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: app}}\nstringData: {{key: \"{KEY}\"}}\n---\napiVersion: \
         fairlead.dev/v1alpha1\nkind: APIKey\nmetadata: {{name: app}}\nspec:\n  secretRef: {{name: app}}\n"
    )
}

fn offered(url: &str) -> String {
    format!(
        "apiVersion: fairlead.dev/v1alpha1\nkind: MCPServer\nmetadata: {{name: docs}}\nspec:\n  endpoint: {{url: \"{url}\"}}\n  \
         approval: {{default: Never}}\n"
    )
}

fn call() -> Say {
    Say::call("c1", "mcp__docs__held", &json!({}))
}

impl Scene {
    async fn start() -> anyhow::Result<Self> {
        let released = Arc::new(Notify::new());
        let tools = vec![Tool::new("held", Act::Held(Arc::clone(&released)))];
        let server = McpServer::start(Behaviour { tools, ..Behaviour::default() }).await?;
        let model = ModelServer::start().await?;
        let setup = Setup::chat(&model.url())
            .file("gateway.yaml", GATEWAY)
            .file("key.yaml", &key())
            .file("docs.yaml", &offered(&server.url()));
        Ok(Self { proxy: setup.start().await?, model, server, released })
    }

    /// Asks with two calls of the tool, one after the other, and waits until the first runs.
    async fn begin(&self) -> anyhow::Result<JoinSet<anyhow::Result<Answer>>> {
        for say in [call(), call(), Say::text(&["Over."])] {
            self.model.script(say);
        }
        let tool = json!({"type": "mcp", "server_label": "docs", "require_approval": "never"});
        let body = json!({"model": "demo", "input": "Go", "tools": [tool], "stream": true});
        let request = Request::post("/v1/responses", &body).header("authorization", &format!("Bearer {KEY}"));
        let (mut asking, api) = (JoinSet::new(), self.proxy.api());
        asking.spawn(async move { api.send(request).await });
        self.server.until_asked("tools/call", 1).await?;
        Ok(asking)
    }

    async fn hash(&self) -> anyhow::Result<Value> {
        Ok(self.proxy.admin().get("/status").await?.json()["configuration"]["hash"].clone())
    }

    /// Changes a file, and waits until that is served.
    async fn change(&self, name: &str, text: Option<&str>) -> anyhow::Result<()> {
        let before = self.hash().await?;
        match text {
            Some(text) => self.proxy.configure(name, text)?,
            None => self.proxy.unconfigure(name)?,
        }
        let end = Instant::now() + Duration::from_secs(10);
        while self.hash().await? == before {
            anyhow::ensure!(Instant::now() < end, "{name} changes nothing\n{}", self.proxy.log());
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn end(&self, mut asking: JoinSet<anyhow::Result<Answer>>) -> anyhow::Result<Vec<Value>> {
        self.released.notify_one();
        let answer = asking.join_next().await.context("nobody asks")???;
        anyhow::ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
        let events = answer.events()?;
        lawful(&events)?;
        Ok(events)
    }
}

#[tokio::test]
async fn a_response_whose_key_is_revoked_asks_no_model_and_no_tool_any_more() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let asking = scene.begin().await?;
    scene.change("key.yaml", None).await?;
    let events = scene.end(asking).await?;
    assert_eq!(kinds(&events).last(), Some(&"response.failed"), "{events:?}");
    assert_eq!(scene.model.requests().len(), 1);
    assert_eq!(scene.server.asked("tools/call"), 1);
    let error = events.iter().find(|event| event["type"] == "error").context("no error")?;
    assert_eq!(error["code"], "invalid_api_key", "{error}");
    Ok(())
}

#[tokio::test]
async fn a_response_whose_model_is_removed_ends() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let asking = scene.begin().await?;
    scene.change("models.yaml", None).await?;
    let events = scene.end(asking).await?;
    assert_eq!(kinds(&events).last(), Some(&"response.failed"), "{events:?}");
    assert_eq!(scene.model.requests().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_policy_that_comes_meanwhile_decides_on_the_next_call() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let asking = scene.begin().await?;
    scene.change("policy.yaml", Some(POLICY)).await?;
    let response = last(&scene.end(asking).await?);
    let [first, second] = [&response["output"][1], &response["output"][2]];
    assert_eq!((&first["status"], &first["output"]), (&json!("completed"), &json!("done")), "{response}");
    assert_eq!(second["status"], "failed", "{second}");
    assert!(second["error"].to_string().contains("denied"), "{second}");
    assert_eq!((scene.server.asked("tools/call"), text(&response)), (1, "Over.".to_owned()));
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_no_longer_offered_is_called_no_more() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let asking = scene.begin().await?;
    scene.change("docs.yaml", None).await?;
    let response = last(&scene.end(asking).await?);
    let second = &response["output"][2];
    assert_eq!((&second["status"], &second["error"]["code"]), (&json!("failed"), &json!(404)), "{second}");
    assert_eq!((scene.server.asked("tools/call"), text(&response)), (1, "Over.".to_owned()));
    Ok(())
}

#[tokio::test]
async fn other_changes_leave_a_response_alone() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let asking = scene.begin().await?;
    let other = regression::harness::setup::model("other", "Chat", "fake");
    scene.change("other.yaml", Some(&other)).await?;
    scene.released.notify_one();
    scene.server.until_asked("tools/call", 2).await?;
    let response = last(&scene.end(asking).await?);
    assert_eq!((&response["status"], text(&response)), (&json!("completed"), "Over.".to_owned()));
    Ok(())
}
