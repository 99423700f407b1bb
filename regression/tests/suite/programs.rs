//! MCP servers that are programs on this machine: started when a request needs them, started again after a crash, and gone
//! with the proxy.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use regression::fakes::model::{ModelServer, Say};
use regression::harness::{Proxy, Setup};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

const PATIENCE: Duration = Duration::from_secs(20);

/// A proxy that offers `regression/mcp/stdio.py` as `local`.
struct Scene {
    model: ModelServer,
    proxy: Proxy,
    _folder: TempDir,
}

fn script() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("mcp/stdio.py").display().to_string()
}

impl Scene {
    async fn start() -> anyhow::Result<Self> {
        let (model, folder) = (ModelServer::start().await?, tempfile::tempdir()?);
        let entry = json!({"command": "python3", "args": [script(), "--label", "${LABEL}"],
            "env": {"TOKEN": "${SECRET}", "MODE": "${MODE:-plain}"}});
        let file = folder.path().join("mcp.json");
        std::fs::write(&file, json!({"mcpServers": {"local": entry}}).to_string())?;
        let setup = Setup::chat(&model.url()).variable("SECRET", "sk-local").variable("LABEL", "one");
        let setup = setup.variable("UNSEEN", "not for programs").variable("HOME", "/somewhere");
        let proxy = setup.flags(&["--mcp-servers", &file.display().to_string()]).start().await?;
        Ok(Self { model, proxy, _folder: folder })
    }

    /// Has the model call a tool; the item of the call.
    async fn calls(&self, tool: &str) -> anyhow::Result<Value> {
        self.model.reset();
        self.model.script(Say::call("c1", &format!("mcp__local__{tool}"), &json!({})));
        self.model.script(Say::text(&["Done"]));
        let local = json!({"type": "mcp", "server_label": "local", "require_approval": "never"});
        let body = json!({"model": "demo", "input": "Call it", "tools": [local]});
        let answer = self.proxy.api().post("/v1/responses", &body).await?;
        anyhow::ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
        let response = answer.json();
        let mut items = response["output"].as_array().into_iter().flatten();
        let call = items.find(|item| item["type"] == "mcp_call").cloned();
        call.with_context(|| response.to_string())
    }

    /// The id of the process.
    async fn process(&self) -> anyhow::Result<String> {
        let called = self.calls("process").await?;
        let id = called["output"].as_str().with_context(|| called.to_string())?;
        Ok(id.to_owned())
    }
}

fn lives(process: &str) -> bool {
    // One that has ended and was not waited for has no command line.
    std::fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|line| !line.is_empty())
}

async fn until_gone(process: &str) -> anyhow::Result<()> {
    let end = Instant::now() + PATIENCE;
    while lives(process) {
        anyhow::ensure!(Instant::now() < end, "{process} lives on");
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_program_is_started_when_it_is_needed_and_sees_what_it_is_given() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    assert!(!scene.proxy.log().contains("MCP server started"), "nobody has asked for it");
    let called = scene.calls("environment").await?;
    let seen: Value = serde_json::from_str(called["output"].as_str().with_context(|| called.to_string())?)?;
    assert_eq!((&seen["TOKEN"], &seen["MODE"]), (&json!("sk-local"), &json!("plain")));
    assert_eq!(seen["HOME"], "/somewhere");
    for name in ["UNSEEN", "SECRET", "LABEL"] {
        assert_eq!(seen[name], Value::Null, "{seen}");
    }
    let log = scene.proxy.logged("An MCP server says").await?;
    assert!(log.contains("started with ['--label', 'one']"), "{log}");
    assert!(!log.contains("sk-local"), "{log}");
    assert_eq!(scene.process().await?, scene.process().await?, "one process for all calls");
    Ok(())
}

#[tokio::test]
async fn a_program_that_crashes_is_started_again_and_ends_with_the_proxy() -> anyhow::Result<()> {
    let mut scene = Scene::start().await?;
    let first = scene.process().await?;
    let crashed = scene.calls("crash").await?;
    assert_eq!(crashed["status"], "failed", "{crashed}");
    let second = scene.process().await?;
    assert_ne!(first, second);
    until_gone(&first).await?;
    assert!(lives(&second));
    scene.proxy.terminate()?;
    scene.proxy.ended().await?;
    until_gone(&second).await
}

#[tokio::test]
async fn without_the_flag_there_is_no_such_server() -> anyhow::Result<()> {
    let model = ModelServer::start().await?;
    let proxy = Setup::chat(&model.url()).start().await?;
    let local = json!({"type": "mcp", "server_label": "local", "require_approval": "never"});
    let body = json!({"model": "demo", "input": "Call it", "tools": [local]});
    let answer = proxy.api().post("/v1/responses", &body).await?;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!("mcp_server_not_found")));
    assert!(!proxy.log().contains("MCP server started"));
    Ok(())
}

#[tokio::test]
async fn a_file_that_cannot_be_used_stops_the_start_and_says_where() -> anyhow::Result<()> {
    let (model, folder) = (ModelServer::start().await?, tempfile::tempdir()?);
    let file = folder.path().join("mcp.json");
    std::fs::write(&file, r#"{"mcpServers": {"a": {"command": "x", "args": [5]}}}"#)?;
    let file = file.display().to_string();
    let started = Setup::chat(&model.url()).flags(&["--mcp-servers", &file]).start().await;
    let refused = format!("{:#}", started.err().context("it must not start")?);
    assert!(refused.contains(&format!("{file}: mcpServers.a.args[0]: expected a string")), "{refused}");
    let flags = ["--operator", "http://127.0.0.1:1", "--gateway", "a/b", "--operator-token-file", &file];
    let started = Setup::without_config().flags(&flags).flags(&["--mcp-servers", &file]).start().await;
    let refused = format!("{:#}", started.err().context("it must not start")?);
    assert!(refused.contains("'--operator <URL>' cannot be used with '--mcp-servers <FILE>'"), "{refused}");
    Ok(())
}
