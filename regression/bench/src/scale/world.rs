//! A cluster with one gateway, its models, and one operator.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use regression::harness::Operator;
use regression::harness::kube::Cluster;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::drive::procfs;
use crate::scale::api::Api;
use crate::scale::follower::Followers;

/// Ten thousand statuses are written at fifty a second.
const PATIENCE: Duration = Duration::from_secs(900);
/// Objects that are created at once.
const AT_ONCE: usize = 16;

/// What is measured of one change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    /// Until every proxy has it.
    pub(crate) effect_ms: f64,
    /// Until the status says so.
    pub(crate) programmed_ms: f64,
    pub(crate) bytes: f64,
    pub(crate) cpu_ms: f64,
}

/// Everything but the proxies.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) token: String,
    namespace: String,
    models: usize,
    operator: Operator,
    restarts: usize,
    /// Changes so far, so that no two are alike.
    number: AtomicUsize,
    api: Arc<Api>,
    cluster: Cluster,
}

impl World {
    /// Starts a cluster, and an operator with the rights of its manifest.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let cluster = Cluster::start().await?;
        cluster.define().await?;
        cluster.authorize_operator().await?;
        let namespace = cluster.namespace().await?;
        let token = cluster.service_account_token((&namespace, "proxy"), "config.fairlead.dev").await?;
        let basics = BASICS.replace("OWN_NAMESPACE", &namespace);
        cluster.kubectl_stdin(&["apply", "--server-side", "-f", "-"], &basics).await?;
        let api = Arc::new(Api::start(&cluster).await?);
        let operator = started(&cluster, 0).await?;
        Ok(Self {
            token,
            namespace,
            models: 0,
            operator,
            restarts: 0,
            number: AtomicUsize::new(0),
            api,
            cluster,
        })
    }

    /// Makes models until there are `count`.
    pub(crate) async fn grow(&mut self, count: usize) -> anyhow::Result<()> {
        let mut creations = JoinSet::new();
        let path = self.path("models");
        for number in self.models..count {
            if creations.len() >= AT_ONCE {
                creations.join_next().await.context("nothing is being created")???;
            }
            let (api, path, model) = (self.api.clone(), path.clone(), model(number));
            creations.spawn(async move { api.create(&path, &model).await.map(drop) });
        }
        while let Some(created) = creations.join_next().await {
            created??;
        }
        self.models = self.models.max(count);
        Ok(())
    }

    /// Ends the operator and starts another; returns the milliseconds from its start until it is ready.
    pub(crate) async fn restart_operator(&mut self) -> anyhow::Result<f64> {
        self.operator.kill().await?;
        self.cluster.release_lease().await?;
        self.restarts += 1;
        let (begin, mut operator) = (Instant::now(), start(&self.cluster, self.restarts).await?);
        operator.ready().await?;
        let ready = milliseconds(begin);
        operator.until_it_leads(PATIENCE).await?;
        self.operator = operator;
        Ok(ready)
    }

    /// Changes one model so many times, each time when everything has settled.
    pub(crate) async fn changes(
        &self,
        followers: &mut Followers,
        count: usize,
    ) -> anyhow::Result<Vec<Change>> {
        self.settle().await?;
        let mut changes = Vec::with_capacity(count);
        for _ in 0..count {
            changes.push(self.change(followers).await?);
        }
        Ok(changes)
    }

    /// The whole name of the gateway.
    pub(crate) fn gateway(&self) -> String {
        format!("{}/main", self.namespace)
    }

    /// The entry of the model that is changed.
    pub(crate) fn watched(&self) -> String {
        format!("model/{}/many-0", self.namespace)
    }

    pub(crate) fn operator_address(&self) -> SocketAddr {
        self.operator.delivery().address()
    }

    pub(crate) fn operator_mib(&self) -> anyhow::Result<f64> {
        procfs::resident_mib(self.operator.id()?)
    }

    async fn change(&self, followers: &mut Followers) -> anyhow::Result<Change> {
        let (bytes, cpu) = (followers.bytes_each(), procfs::cpu_s(self.operator.id()?)?);
        let begin = Instant::now();
        let upstream = format!("changed-{}", self.number.fetch_add(1, Ordering::Relaxed));
        let target = json!([{"name": "only", "providerRef": {"name": "fake"}, "upstreamModel": upstream}]);
        let path = self.path("models/many-0");
        let changed = self.api.patch(&path, &json!({"spec": {"targets": target}})).await?;
        let generation = changed["metadata"]["generation"].as_i64().context("no generation")?;
        followers.reach(generation).await?;
        let effect_ms = milliseconds(begin);
        while !is_programmed(&self.api.get(&path).await?, generation) {
            ensure!(begin.elapsed() < PATIENCE, "generation {generation} is never programmed");
            sleep(Duration::from_millis(5)).await;
        }
        let programmed_ms = milliseconds(begin);
        let cpu_ms = (procfs::cpu_s(self.operator.id()?)? - cpu) * 1e3;
        Ok(Change { effect_ms, programmed_ms, bytes: followers.bytes_each() - bytes, cpu_ms })
    }

    /// Waits until the last model is programmed and the operator has nothing to do.
    async fn settle(&self) -> anyhow::Result<()> {
        let (begin, last) = (Instant::now(), format!("models/many-{}", self.models - 1));
        while !is_programmed(&self.api.get(&self.path(&last)).await?, 1) {
            ensure!(begin.elapsed() < PATIENCE, "{last} is never programmed\n{}", self.operator.log());
            sleep(Duration::from_millis(100)).await;
        }
        let mut spent = procfs::cpu_s(self.operator.id()?)?;
        loop {
            sleep(Duration::from_secs(2)).await;
            let now = procfs::cpu_s(self.operator.id()?)?;
            if now - spent < 0.1 {
                return Ok(());
            }
            ensure!(begin.elapsed() < PATIENCE, "the operator does not come to rest");
            spent = now;
        }
    }

    fn path(&self, rest: &str) -> String {
        format!("/apis/fairlead.dev/v1alpha1/namespaces/{}/{rest}", self.namespace)
    }
}

async fn started(cluster: &Cluster, number: usize) -> anyhow::Result<Operator> {
    let mut operator = start(cluster, number).await?;
    operator.ready().await?;
    operator.until_it_leads(PATIENCE).await?;
    Ok(operator)
}

async fn start(cluster: &Cluster, number: usize) -> anyhow::Result<Operator> {
    Operator::start_with(cluster, &format!("scale-{number}"), &["--log", "info"]).await
}

fn model(number: usize) -> Value {
    json!({
        "apiVersion": "fairlead.dev/v1alpha1",
        "kind": "Model",
        "metadata": {"name": format!("many-{number}")},
        "spec": {"targets": [{"name": "only", "providerRef": {"name": "fake"}, "upstreamModel": "x"}]},
    })
}

fn is_programmed(object: &Value, generation: i64) -> bool {
    let mut conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|one| {
        one["type"] == "Programmed"
            && one["status"] == "True"
            && one["observedGeneration"].as_i64() >= Some(generation)
    })
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

const BASICS: &str = r#"
apiVersion: fairlead.dev/v1alpha1
kind: ResponsesGateway
metadata: {name: main, namespace: OWN_NAMESPACE}
spec:
  authentication: {mode: Disabled, acknowledgeInsecure: true}
  configDelivery: {disconnectTimeout: 5s}
  infrastructure: {mode: External, serviceAccounts: [{name: proxy, namespace: OWN_NAMESPACE}]}
---
apiVersion: fairlead.dev/v1alpha1
kind: ModelProvider
metadata: {name: fake, namespace: OWN_NAMESPACE}
spec:
  type: OpenAI
  baseURL: https://models.example.com/v1
  openai: {api: ChatCompletions}
"#;
