//! The API server without TLS: through `kubectl proxy`.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use regression::harness::kube::{Assets, Cluster};
use regression::harness::{Client, Request};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::drive::process::free_address;

const PATIENCE: Duration = Duration::from_secs(30);

/// Speaks to the API server as admin.
#[derive(Debug)]
pub(crate) struct Api {
    client: Client,
    _proxy: Child,
}

impl Api {
    /// Starts `kubectl proxy` and waits until it answers.
    pub(crate) async fn start(cluster: &Cluster) -> anyhow::Result<Self> {
        let address: SocketAddr = free_address()?.parse()?;
        let mut command = Command::new(Assets::find()?.program("kubectl"));
        command.arg("--kubeconfig").arg(cluster.admin().kubeconfig());
        command.args(["proxy", "--port", &address.port().to_string()]).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let proxy = command.spawn().context("cannot start kubectl proxy")?;
        let (client, end) = (Client::new(address), Instant::now() + PATIENCE);
        while !client.get("/readyz").await.is_ok_and(|answer| answer.status == 200) {
            ensure!(Instant::now() < end, "kubectl proxy does not answer");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { client, _proxy: proxy })
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(Request::new("GET", path)).await
    }

    pub(crate) async fn create(&self, path: &str, object: &Value) -> anyhow::Result<Value> {
        self.send(Request::post(path, object)).await
    }

    /// Merges `patch` into an object and returns what became of it.
    pub(crate) async fn patch(&self, path: &str, patch: &Value) -> anyhow::Result<Value> {
        let request = Request::new("PATCH", path).header("content-type", "application/merge-patch+json");
        self.send(request.body(patch.to_string())).await
    }

    async fn send(&self, request: Request) -> anyhow::Result<Value> {
        let answer = self.client.send(request).await?;
        ensure!(matches!(answer.status, 200 | 201), "{}: {}", answer.status, answer.text());
        Ok(answer.json())
    }
}
