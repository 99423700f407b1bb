//! The client and servers that others wrote.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use protocol::id::Tenant;
use regression::harness::mcp::{RealServer, Transport, everything_script};
use secrecy::SecretString;
use serde_json::{Value, json};
use tools::mcp::{Catalog, Failure, Place, Pool, Program, Progress, Protocol, Server, Trace};

use super::stage::{call, names, server, speaking};

struct Talk {
    pool: Pool,
    tenant: Tenant,
    server: Server,
}

impl Talk {
    fn new(url: &str, protocol: Protocol) -> Self {
        let mut server = speaking(server(url), protocol);
        server.timeouts.list = Duration::from_secs(10);
        server.timeouts.call = Duration::from_secs(5);
        server.timeouts.total = Duration::from_secs(20);
        Self { pool: Pool::default(), tenant: Tenant::new("acme"), server }
    }

    async fn list(&self) -> Result<Arc<Catalog>, Failure> {
        self.pool.list(&self.tenant, &self.server).await
    }

    async fn call(&self, tool: &str, arguments: Value) -> Result<String, Failure> {
        Ok(self.pool.call(&self.tenant, &self.server, &call(tool, arguments)).await?.output)
    }

    /// Calls a tool and gives how far it said it was.
    async fn progress(&self, tool: &str, arguments: Value) -> Result<(String, Vec<f64>), Failure> {
        let heard: Arc<Mutex<Vec<f64>>> = Arc::default();
        let mut call = call(tool, arguments);
        let sink = Arc::clone(&heard);
        call.progress = Some(Arc::new(move |Progress { progress, .. }| sink.lock().push(progress)));
        call.trace = Trace {
            parent: Some("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01".into()),
            state: None,
        };
        let outcome = self.pool.call(&self.tenant, &self.server, &call).await?;
        let heard = heard.lock().clone();
        Ok((outcome.output, heard))
    }
}

async fn everything(talk: &Talk, protocol: &str) -> anyhow::Result<()> {
    let catalog = talk.list().await?;
    assert_eq!((catalog.protocol.as_str(), &catalog.problems[..]), (protocol, &[][..]));
    let known = names(&catalog);
    for tool in ["echo", "get-sum", "get-tiny-image", "get-structured-content", "get-resource-links"] {
        assert!(known.iter().any(|name| name == tool), "{known:?}");
    }
    assert_eq!(talk.call("echo", json!({"message": "hi"})).await?, "Echo: hi");
    let sum = talk.call("get-sum", json!({"a": 2, "b": 3})).await?;
    assert!(sum.contains('5'), "{sum}");
    let image = talk.call("get-tiny-image", json!({})).await?;
    assert!(image.contains("base64 bytes omitted]") && image.len() < 1000, "{image}");
    let structured = talk.call("get-structured-content", json!({"location": "New York"})).await?;
    let weather: Value = serde_json::from_str(&structured)?;
    assert!(weather["temperature"].is_number(), "sent once: {structured}");
    let links: Value = serde_json::from_str(&talk.call("get-resource-links", json!({"count": 2})).await?)?;
    assert!(links.to_string().contains("resource_link"), "{links}");
    let bad = talk.call("get-sum", json!({"a": "no"})).await.expect_err("bad arguments");
    assert!(matches!(bad, Failure::Execution { .. } | Failure::Protocol { code: -32602, .. }), "{bad:?}");
    let long = json!({"duration": 1, "steps": 3});
    let (output, steps) = talk.progress("trigger-long-running-operation", long).await?;
    assert!(output.contains("completed"), "{output}");
    assert_eq!(steps, [1.0, 2.0, 3.0]);
    talk.pool.close().await;
    Ok(())
}

#[tokio::test]
async fn server_everything_over_streamable_http() -> anyhow::Result<()> {
    let Some(real) = RealServer::everything(Transport::StreamableHttp).await? else { return Ok(()) };
    for protocol in [Protocol::Auto, Protocol::Legacy] {
        everything(&Talk::new(&real.url("/mcp"), protocol), "2025-11-25").await?;
    }
    Ok(())
}

#[tokio::test]
async fn server_everything_over_http_and_sse() -> anyhow::Result<()> {
    let Some(real) = RealServer::everything(Transport::Sse).await? else { return Ok(()) };
    for protocol in [Protocol::Auto, Protocol::Sse] {
        everything(&Talk::new(&real.url("/sse"), protocol), "2024-11-05").await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_python_sdk_in_every_era_and_form() -> anyhow::Result<()> {
    for form in ["stream", "json"] {
        let Some(real) = RealServer::python(form).await? else { return Ok(()) };
        for (protocol, version) in [
            (Protocol::Auto, "2026-07-28"),
            (Protocol::Modern, "2026-07-28"),
            (Protocol::Legacy, "2025-11-25"),
        ] {
            let talk = Talk::new(&real.url("/mcp"), protocol);
            let catalog = talk.list().await?;
            assert_eq!(
                (names(&catalog), catalog.protocol.as_str()),
                (vec!["add".into(), "fail".into(), "slow".into()], version)
            );
            assert_eq!(talk.call("add", json!({"a": 2, "b": 3})).await?, "5", "{form} {protocol:?}");
            let failure = talk.call("fail", json!({})).await.expect_err("failed");
            assert!(
                matches!(&failure, Failure::Execution { told, .. } if told.contains("fail")),
                "{failure:?}"
            );
            let (output, steps) = talk.progress("slow", json!({"steps": 3, "pause": 0.05})).await?;
            assert_eq!(output, "done");
            if form == "stream" {
                assert_eq!(steps, [1.0, 2.0, 3.0], "{protocol:?}");
            }
            talk.pool.close().await;
        }
    }
    Ok(())
}

#[tokio::test]
async fn server_everything_as_a_program() -> anyhow::Result<()> {
    let Some((script, path)) = everything_script() else { return Ok(()) };
    let arguments = [script.display().to_string(), "stdio".to_owned()].map(SecretString::from).into();
    let environment = [("PATH".to_owned(), SecretString::from(path))].into();
    let program = Program::new("everything".into(), "node".into(), arguments, environment);
    let mut talk = Talk::new("http://127.0.0.1/unused", Protocol::Auto);
    let timeouts = talk.server.timeouts;
    talk.server = Server::at(Place::Program(Arc::new(program)));
    talk.server.timeouts = timeouts;
    everything(&talk, "2025-11-25").await?;
    talk.pool.close().await;
    Ok(())
}
