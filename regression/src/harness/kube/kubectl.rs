//! kubectl as a child process.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::Cluster;

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(120);

/// kubectl with somebody's credentials.
#[derive(Clone, Debug)]
pub struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
}

impl Cluster {
    /// Runs kubectl as admin; see [`Kubectl::run`].
    ///
    /// Errors: kubectl fails; the text is what it says.
    pub async fn kubectl(&self, arguments: &[&str]) -> anyhow::Result<String> {
        self.admin.run(arguments).await
    }

    /// The same with something on its standard input.
    ///
    /// Errors: as [`Cluster::kubectl`].
    pub async fn kubectl_stdin(&self, arguments: &[&str], input: &str) -> anyhow::Result<String> {
        self.admin.run_with(arguments, input).await
    }
}

impl Kubectl {
    pub(super) fn new(program: PathBuf, kubeconfig: PathBuf) -> Self {
        Self { program, kubeconfig }
    }

    /// The file with the credentials.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Runs it and returns what it prints.
    ///
    /// Errors: it fails, or takes longer than two minutes; the text is what it was told and what it says.
    pub async fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        self.run_with(arguments, "").await
    }

    /// The same with something on its standard input.
    ///
    /// Errors: as [`Kubectl::run`].
    pub async fn run_with(&self, arguments: &[&str], input: &str) -> anyhow::Result<String> {
        let told = || format!("kubectl {}", arguments.join(" "));
        timeout(PATIENCE, self.exchange(arguments, input)).await.with_context(told)?.with_context(told)
    }

    /// Runs it with `--output json` and returns what it prints.
    ///
    /// Errors: as [`Kubectl::run`], or it prints no JSON.
    pub async fn json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let text = self.run(&[arguments, &["--output", "json"]].concat()).await?;
        serde_json::from_str(&text).with_context(|| text.clone())
    }

    async fn exchange(&self, arguments: &[&str], input: &str) -> anyhow::Result<String> {
        let mut command = Command::new(&self.program);
        command.arg("--kubeconfig").arg(&self.kubeconfig).args(arguments);
        // Nobody's preferences, and no cache of the kinds that the server knows, which come and go.
        let home = self.kubeconfig.parent().unwrap_or(&self.kubeconfig);
        command.env_clear().env("HOME", home).env("KUBECACHEDIR", "/dev/null").kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("cannot start kubectl")?;
        let mut stdin = child.stdin.take().context("kubectl has no input")?;
        let write = async move {
            // It may end without having read all of it, and says why.
            let _ = stdin.write_all(input.as_bytes()).await;
        };
        let ((), output) = tokio::join!(write, child.wait_with_output());
        let output = output?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}
