//! Operator, proxies and a model server around the shared cluster.

use std::path::PathBuf;

use anyhow::Context;
use regression::fakes::model::ModelServer;
use regression::harness::kube::Cluster;
use regression::harness::{Operator, Proxy, Setup};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use super::stage::cluster;

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
        let Some(cluster) = cluster().await? else { return Ok(None) };
        let turn = TURN.lock().await;
        MANIFEST.get_or_try_init(|| manifest(cluster)).await?;
        let (namespace, model) = (cluster.namespace().await?, ModelServer::start().await?);
        let mut operator = Operator::start(cluster, &format!("{namespace}-1")).await?;
        operator.ready().await?;
        Ok(Some(Self { cluster, operator, model, namespace, folder: TempDir::new()?, _turn: turn }))
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
        let of = (self.namespace.as_str(), "proxy");
        let token = self.cluster.service_account_token(of, "config.fairlead.dev").await?;
        let file = self.folder.path().join("token");
        std::fs::write(&file, token)?;
        let file = file.to_str().context("a folder without text")?;
        let gateway = format!("{}/main", self.namespace);
        let flags =
            ["--operator", &self.operator.url(), "--gateway", &gateway, "--operator-token-file", file];
        Ok(Setup::without_config().flags(&flags).flags(&["--proxy-name", name]))
    }

    /// Waits for a condition as users do.
    pub(crate) async fn wait(&self, what: &str, condition: &str) -> anyhow::Result<()> {
        let condition = format!("--for=condition={condition}");
        let wait = ["wait", what, &condition, "--timeout", "30s", "--namespace", &self.namespace];
        let waited = self.cluster.kubectl(&wait).await;
        waited.with_context(|| format!("{}\n{}", self.namespace, self.operator.log())).map(drop)
    }

    /// A condition of an object.
    pub(crate) async fn condition(&self, what: &str, name: &str) -> anyhow::Result<Value> {
        let get = ["get", what, "--namespace", &self.namespace, "--output", "json"];
        let object: Value = serde_json::from_str(&self.cluster.kubectl(&get).await?)?;
        let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        Ok(conditions.into_iter().find(|one| one["type"] == name).unwrap_or_default())
    }
}

async fn manifest(cluster: &Cluster) -> anyhow::Result<()> {
    let path = root().join("00-operator.yaml");
    let path = path.to_str().context("the clone lies where no text leads")?;
    cluster.kubectl(&["apply", "--server-side", "--filename", path]).await?;
    Ok(())
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
