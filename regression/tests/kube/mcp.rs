//! MCP servers from the objects to the status and back: what proxies saw, pins copied from there, and policies that take effect.

use std::time::Duration;

use anyhow::Context;
use regression::fakes::mcp::{Behaviour, McpServer};
use regression::fakes::model::Say;
use regression::harness::Proxy;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::fleet::{Fleet, PATIENCE};

/// The server as an object, with more of its spec as YAML lines.
fn object(server: &McpServer, more: &str) -> String {
    format!(
        "apiVersion: fairlead.dev/v1alpha1\nkind: MCPServer\nmetadata: {{name: docs, namespace: OWN_NAMESPACE}}\nspec:\n  \
         endpoint: {{url: \"{}\"}}\n  approval: {{default: Never}}\n  catalogTTL: 1s\n{more}",
        server.url()
    )
}

async fn status(fleet: &Fleet) -> anyhow::Result<Value> {
    let get = ["get", "mcpserver/docs", "--namespace", &fleet.namespace, "--output", "json"];
    let object: Value = serde_json::from_str(&fleet.cluster.kubectl(&get).await?)?;
    Ok(object["status"].clone())
}

/// Waits until the status is as asked.
async fn until(fleet: &Fleet, what: &str, is_so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    let end = Instant::now() + PATIENCE;
    loop {
        let status = status(fleet).await?;
        if is_so(&status) {
            return Ok(status);
        }
        anyhow::ensure!(Instant::now() < end, "not {what}: {status:#}\n{}", fleet.operator.log());
        sleep(Duration::from_millis(100)).await;
    }
}

fn condition<'a>(status: &'a Value, name: &str) -> &'a Value {
    let found = status["conditions"].as_array().into_iter().flatten().find(|one| one["type"] == name);
    found.unwrap_or(&Value::Null)
}

/// Asks for the sum of two numbers; the model calls the tool, whether it is there or not.
async fn add(fleet: &Fleet, proxy: &Proxy) -> anyhow::Result<Value> {
    fleet.model.reset();
    for say in [Say::call("c1", "mcp__docs__add", &json!({"a": 2, "b": 3})), Say::text(&["Done"])] {
        fleet.model.script(say);
    }
    let tool = json!({"type": "mcp", "server_label": "docs", "require_approval": "never"});
    let body = json!({"model": "demo", "input": "Add", "tools": [tool]});
    let answer = proxy.api().post("/v1/responses", &body).await?;
    anyhow::ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
    Ok(answer.json())
}

fn item<'a>(response: &'a Value, kind: &str) -> &'a Value {
    let found = response["output"].as_array().into_iter().flatten().find(|item| item["type"] == kind);
    found.unwrap_or(&Value::Null)
}

const DENIED: &str = r"
apiVersion: fairlead.dev/v1alpha1
kind: ToolPolicy
metadata: {name: docs, namespace: OWN_NAMESPACE}
spec:
  targetRefs: [{kind: MCPServer, name: docs}]
  defaultAction: Allow
  rules: [{name: no-sums, action: Deny, tools: {names: [add]}}]
";

#[tokio::test]
async fn the_status_of_a_server_is_what_calls_have_shown_and_pins_are_copied_from_it() -> anyhow::Result<()> {
    let Some(fleet) = Fleet::start().await? else { return Ok(()) };
    let server = McpServer::start(Behaviour::default()).await?;
    fleet.basics().await?;
    fleet.apply(&object(&server, "")).await?;
    let proxy = fleet.proxy("one").await?;
    fleet.wait("mcpserver/docs", "Ready").await?;
    let status = until(&fleet, "unknown", |status| condition(status, "Healthy") != &Value::Null).await?;
    assert_eq!(condition(&status, "Healthy")["reason"], "NotProbed");
    assert_eq!(status["tools"], Value::Null);

    for _ in 0..2 {
        let called = add(&fleet, &proxy).await?;
        assert!(
            item(&called, "mcp_call")["output"].as_str().is_some_and(|sum| sum.contains('5')),
            "{called}"
        );
    }
    let status = until(&fleet, "healthy", |status| condition(status, "Healthy")["status"] == "True").await?;
    assert_eq!(status["protocolVersion"], "2026-07-28");
    assert_eq!(status["tools"]["count"], 7);
    let pin = status["tools"]["items"].as_array().into_iter().flatten().find(|tool| tool["name"] == "add");
    let pin = pin.context("no digest")?.clone();
    assert_eq!(condition(&status, "Degraded"), &Value::Null);

    // What was seen is copied, and holds.
    let pins = |pins: &Value| format!("  tools: {{pinning: Enforce, pins: {pins}}}\n");
    fleet.apply(&object(&server, &pins(&json!([pin])))).await?;
    fleet.wait("mcpserver/docs", "Programmed").await?;
    assert_eq!(item(&add(&fleet, &proxy).await?, "mcp_call")["error"], Value::Null);
    // With another digest the status tells it without a call, and the tool is gone.
    let other = json!([{"name": "add", "digest": format!("sha256:{}", "0".repeat(64))}]);
    fleet.apply(&object(&server, &pins(&other))).await?;
    let degraded = |status: &Value| condition(status, "Degraded")["reason"] == "PinMismatch";
    let status = until(&fleet, "degraded", degraded).await?;
    let message = condition(&status, "Degraded")["message"].as_str().unwrap_or_default();
    assert!(message.starts_with("not as their pins say, and withheld: add; "), "{message}");
    assert_eq!(condition(&status, "Healthy")["status"], "True", "it is the same server");
    assert_eq!(status["tools"]["count"], 7, "what is listed, not what is offered");
    let withheld = add(&fleet, &proxy).await?;
    assert_eq!(item(&withheld, "mcp_list_tools")["tools"], json!([]), "{withheld}");
    assert_eq!(item(&withheld, "mcp_call"), &Value::Null, "{withheld}");
    quiet(&fleet).await
}

/// What stays as it is, is not written, however often it is listed.
async fn quiet(fleet: &Fleet) -> anyhow::Result<()> {
    let get = ["get", "mcpserver/docs", "--namespace", &fleet.namespace, "--output", "json"];
    let version = async || -> anyhow::Result<Value> {
        let object: Value = serde_json::from_str(&fleet.cluster.kubectl(&get).await?)?;
        Ok(object["metadata"]["resourceVersion"].clone())
    };
    sleep(Duration::from_secs(2)).await;
    let before = version().await?;
    let proxy = fleet.proxy("two").await?;
    add(fleet, &proxy).await?;
    // Longer than a proxy waits between two reports.
    sleep(Duration::from_secs(12)).await;
    assert_eq!(version().await?, before, "{:#}", status(fleet).await?);
    Ok(())
}

#[tokio::test]
async fn a_policy_that_comes_while_a_server_is_used_is_obeyed() -> anyhow::Result<()> {
    let Some(fleet) = Fleet::start().await? else { return Ok(()) };
    let server = McpServer::start(Behaviour::default()).await?;
    fleet.basics().await?;
    fleet.apply(&object(&server, "")).await?;
    let proxy = fleet.proxy("one").await?;
    fleet.wait("mcpserver/docs", "Ready").await?;
    assert_eq!(item(&add(&fleet, &proxy).await?, "mcp_call")["error"], Value::Null);
    assert_eq!(server.asked("tools/call"), 1);
    fleet.apply(DENIED).await?;
    fleet.wait("toolpolicy/docs", "Programmed").await?;
    let denied = add(&fleet, &proxy).await?;
    assert_eq!(server.asked("tools/call"), 1, "{denied}");
    let offered = item(&denied, "mcp_list_tools")["tools"].as_array().cloned().unwrap_or_default();
    assert_eq!(offered.len(), 6, "all but the one that is denied: {denied}");
    // And it goes as it came.
    let delete = ["delete", "toolpolicy/docs", "--namespace", &fleet.namespace];
    fleet.cluster.kubectl(&delete).await?;
    let end = Instant::now() + PATIENCE;
    while server.asked("tools/call") == 1 {
        anyhow::ensure!(Instant::now() < end, "it stays denied");
        add(&fleet, &proxy).await?;
    }
    Ok(())
}
