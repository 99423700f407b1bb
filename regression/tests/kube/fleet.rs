//! Operator, proxies and a model server around the shared cluster.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use regression::fakes::model::ModelServer;
use regression::harness::kube::Cluster;
use regression::harness::{Operator, Proxy, Setup};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard, OnceCell};
use tokio::time::{Instant, sleep};

use super::stage::cluster;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// One test at a time: all replicas of all tests contend for one Lease.
static TURN: Mutex<()> = Mutex::const_new(());
static MANIFEST: OnceCell<()> = OnceCell::const_new();

/// A namespace with a gateway and what it needs, and the processes of one test.
pub(crate) struct Fleet {
    pub(crate) cluster: &'static Cluster,
    pub(crate) operator: Operator,
    pub(crate) model: ModelServer,
    pub(crate) namespace: String,
    folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).with_file_name("examples").join("kubernetes")
}

impl Fleet {
    /// Starts an operator with the rights of its manifest, in a cluster with the definitions; `None` where there is no API server.
    pub(crate) async fn start() -> anyhow::Result<Option<Self>> {
        Self::start_with(&[]).await
    }

    /// The same with more flags for the operator.
    pub(crate) async fn start_with(flags: &[&str]) -> anyhow::Result<Option<Self>> {
        let Some(cluster) = cluster().await? else { return Ok(None) };
        let turn = TURN.lock().await;
        MANIFEST.get_or_try_init(|| cluster.authorize_operator()).await?;
        Self::within(cluster, turn, flags).await.map(Some)
    }

    /// The same in a cluster of its own, for a test that disturbs it.
    pub(crate) async fn start_alone() -> anyhow::Result<Option<Self>> {
        if Cluster::available().is_none() {
            return Ok(None);
        }
        let turn = TURN.lock().await;
        // Its keeper ends it with the process.
        let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start().await?));
        cluster.define().await?;
        cluster.authorize_operator().await?;
        Self::within(cluster, turn, &[]).await.map(Some)
    }

    async fn within(
        cluster: &'static Cluster,
        turn: MutexGuard<'static, ()>,
        flags: &[&str],
    ) -> anyhow::Result<Self> {
        cluster.release_lease().await?;
        let (namespace, model) = (cluster.namespace().await?, ModelServer::start().await?);
        let mut operator = Operator::start_with(cluster, &format!("{namespace}-1"), flags).await?;
        operator.ready().await?;
        operator.until_it_leads(PATIENCE).await?;
        Ok(Self { cluster, operator, model, namespace, folder: TempDir::new()?, _turn: turn })
    }

    /// Applies YAML in which `OWN_NAMESPACE` and `MODEL_SERVER` stand for those of the test.
    pub(crate) async fn apply(&self, yaml: &str) -> anyhow::Result<()> {
        let yaml = yaml.replace("MODEL_SERVER", &self.model.url()).replace("OWN_NAMESPACE", &self.namespace);
        self.cluster
            .kubectl_stdin(&["apply", "--server-side", "--force-conflicts", "-f", "-"], &yaml)
            .await?;
        Ok(())
    }

    /// Applies a gateway without authentication, a provider and a model `demo`.
    pub(crate) async fn basics(&self) -> anyhow::Result<()> {
        self.apply(BASICS).await
    }

    /// Starts a proxy of the gateway `main`.
    pub(crate) async fn proxy(&self, name: &str) -> anyhow::Result<Proxy> {
        self.setup(name).await?.start().await
    }

    /// How a proxy of the gateway `main` is started.
    pub(crate) async fn setup(&self, name: &str) -> anyhow::Result<Setup> {
        self.setup_at(name, &self.operator.url()).await
    }

    /// The same with an operator at this URL.
    pub(crate) async fn setup_at(&self, name: &str, url: &str) -> anyhow::Result<Setup> {
        let of = (self.namespace.as_str(), "proxy");
        let token = self.cluster.service_account_token(of, "config.fairlead.dev").await?;
        let file = self.folder.path().join("token");
        std::fs::write(&file, token)?;
        let file = file.to_str().context("a folder without text")?;
        let gateway = format!("{}/main", self.namespace);
        let flags = ["--operator", url, "--gateway", &gateway, "--operator-token-file", file];
        Ok(Setup::without_config().flags(&flags).flags(&["--proxy-name", name]))
    }

    /// Waits for a condition as users do.
    pub(crate) async fn wait(&self, what: &str, condition: &str) -> anyhow::Result<()> {
        let condition = format!("--for=condition={condition}");
        let wait = ["wait", what, &condition, "--timeout", "30s", "--namespace", &self.namespace];
        let waited = self.cluster.kubectl(&wait).await;
        waited.with_context(|| format!("{}\n{}", self.namespace, self.operator.log())).map(drop)
    }

    /// Points the model at another name upstream, which is another generation.
    pub(crate) async fn change(&self, upstream: &str) -> anyhow::Result<()> {
        let target = json!([{"name": "only", "providerRef": {"name": "fake"}, "upstreamModel": upstream}]);
        let patch = json!({"spec": {"targets": target}}).to_string();
        let patch = ["patch", "model", "demo", "--type", "merge", "--patch", &patch];
        self.cluster.kubectl(&[&patch[..], &["--namespace", &self.namespace]].concat()).await?;
        Ok(())
    }

    /// Waits for a reason of the condition `Programmed` of the model, and returns its message.
    pub(crate) async fn programmed(&self, reason: &str, patience: Duration) -> anyhow::Result<String> {
        let end = Instant::now() + patience;
        loop {
            let condition = self.condition("model/demo", "Programmed").await?;
            if condition["reason"] == reason {
                assert_eq!(condition["status"] == "True", reason == "Programmed", "{condition}");
                return Ok(condition["message"].as_str().unwrap_or_default().to_owned());
            }
            anyhow::ensure!(Instant::now() < end, "not {reason}: {condition}\n{}", self.operator.log());
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the delivery of the gateway's status is as asked.
    pub(crate) async fn delivery(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let end = Instant::now() + PATIENCE;
        let get = ["get", "responsesgateway/main", "--namespace", &self.namespace, "--output", "json"];
        loop {
            let gateway: Value = serde_json::from_str(&self.cluster.kubectl(&get).await?)?;
            let delivery = &gateway["status"]["delivery"];
            if is_so(delivery) {
                return Ok(delivery.clone());
            }
            anyhow::ensure!(Instant::now() < end, "not {what}: {delivery}\n{}", self.operator.log());
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until a proxy calls the model by this name.
    pub(crate) async fn until_it_runs(&self, proxy: &Proxy, upstream: &str) -> anyhow::Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            let body = json!({"model": "demo", "input": "Hello"});
            let answer = proxy.api().post("/v1/responses", &body).await?;
            assert_eq!(answer.status, 200, "{}", answer.text());
            if self.model.requests().last().is_some_and(|last| last.json()["model"] == upstream) {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < end, "{upstream} never runs\n{}", self.operator.log());
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// A condition of an object.
    pub(crate) async fn condition(&self, what: &str, name: &str) -> anyhow::Result<Value> {
        Ok(of_type(&self.object_status(what).await?["conditions"], name))
    }

    /// A condition of an object at its first gateway.
    pub(crate) async fn at_gateway(&self, what: &str, name: &str) -> anyhow::Result<Value> {
        Ok(of_type(&self.object_status(what).await?["gateways"][0]["conditions"], name))
    }

    async fn object_status(&self, what: &str) -> anyhow::Result<Value> {
        let get = ["get", what, "--namespace", &self.namespace, "--output", "json"];
        let mut object: Value = serde_json::from_str(&self.cluster.kubectl(&get).await?)?;
        Ok(object["status"].take())
    }
}

fn of_type(conditions: &Value, name: &str) -> Value {
    let mut conditions = conditions.as_array().into_iter().flatten();
    conditions.find(|one| one["type"] == name).cloned().unwrap_or_default()
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
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: OWN_NAMESPACE}
stringData: {apiKey: first-key}
---
apiVersion: fairlead.dev/v1alpha1
kind: ModelProvider
metadata: {name: fake, namespace: OWN_NAMESPACE}
spec:
  type: OpenAI
  baseURL: MODEL_SERVER
  openai: {api: ChatCompletions}
  auth: {apiKey: {secretRef: {name: key, key: apiKey}}}
---
apiVersion: fairlead.dev/v1alpha1
kind: Model
metadata: {name: demo, namespace: OWN_NAMESPACE}
spec:
  targets: [{name: only, providerRef: {name: fake}, upstreamModel: first}]
"#;
