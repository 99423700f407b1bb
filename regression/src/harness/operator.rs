//! The built operator as a child process, with the rights of its manifest.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::client::Client;
use super::kube::Cluster;
use super::{ports, proxy};

const PATIENCE: Duration = Duration::from_secs(30);
/// The namespace and ServiceAccount of the manifest.
const ACCOUNT: (&str, &str) = ("fairlead-system", "fairlead-operator");

/// A running operator; it is killed when it is dropped.
#[derive(Debug)]
pub struct Operator {
    folder: TempDir,
    child: Child,
    listen: SocketAddr,
    admin: SocketAddr,
    is_secure: bool,
}

impl Operator {
    /// Starts a replica of this name in a cluster to which the manifest was applied.
    ///
    /// Errors: there is no built operator, or it cannot be started.
    pub async fn start(cluster: &Cluster, name: &str) -> anyhow::Result<Self> {
        Self::start_with(cluster, name, &[]).await
    }

    /// The same with more flags.
    ///
    /// Errors: as [`Operator::start`].
    pub async fn start_with(cluster: &Cluster, name: &str, flags: &[&str]) -> anyhow::Result<Self> {
        let token = cluster.service_account_token(ACCOUNT, "https://kubernetes.default.svc").await?;
        let kubeconfig = cluster.kubeconfig_for(&token)?;
        let folder = tempfile::Builder::new().prefix("fairlead-operator-").tempdir()?;
        let [listen, admin] = ports::free()?;
        let log = File::options().create(true).append(true).open(folder.path().join("log"))?;
        let mut command = Command::new(binary()?);
        command.args(["run", "--listen", &listen.to_string(), "--admin", &admin.to_string()]);
        command.args(["--namespace", ACCOUNT.0, "--identity", name]);
        if !flags.contains(&"--log") {
            command.args(["--log", "info,operator=debug"]);
        }
        command.args(flags);
        command.env_clear().env("KUBECONFIG", kubeconfig);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        let child = command.spawn().context("cannot start the operator")?;
        let is_secure = flags.contains(&"--tls-cert");
        Ok(Self { folder, child, listen, admin, is_secure })
    }

    /// Waits until it has listed everything.
    ///
    /// Errors: it does not within 30 seconds, or has ended; the text holds its log.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        let (client, end) = (Client::new(self.admin), Instant::now() + PATIENCE);
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the operator has ended: {status}\n{}", self.log());
            }
            if client.get("/readyz").await.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("the operator is not ready after {PATIENCE:?}\n{}", self.log());
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// The number of its process.
    ///
    /// Errors: it has ended.
    pub fn id(&self) -> anyhow::Result<u32> {
        self.child.id().context("the operator has ended already")
    }

    /// A client of the admin port.
    pub fn admin(&self) -> Client {
        Client::new(self.admin)
    }

    /// A client of the configuration port.
    pub fn delivery(&self) -> Client {
        Client::new(self.listen)
    }

    /// The base URL of the configuration port.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.is_secure { "https" } else { "http" }, self.listen)
    }

    /// True if it holds the Lease.
    ///
    /// Errors: the admin port does not answer.
    pub async fn leads(&self) -> anyhow::Result<bool> {
        let metrics = self.admin().get("/metrics").await?.text();
        Ok(metrics.lines().any(|line| line == "fairlead_operator_leader 1"))
    }

    /// Waits until it holds the Lease.
    ///
    /// Errors: it does not within `patience`; the text holds its log.
    pub async fn until_it_leads(&self, patience: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + patience;
        while !self.leads().await? {
            if Instant::now() > end {
                bail!("the operator does not lead after {patience:?}\n{}", self.log());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Sends a signal.
    ///
    /// Errors: the process is gone.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.id()?)?).context("no process")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Ends it as `kill -9` does.
    ///
    /// Errors: the process is gone already.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::KILL)?;
        timeout(PATIENCE, self.child.wait()).await??;
        Ok(())
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = format!("--- the operator's log ---\n{}\n---\n", self.log());
            // The report of the failed test must come out, whatever becomes of this addition.
            let _ = std::io::Write::write_all(&mut std::io::stderr(), log.as_bytes());
        }
    }
}

/// The operator that the suites drive: beside the proxy.
///
/// Errors: there is none.
pub fn binary() -> anyhow::Result<PathBuf> {
    let path: PathBuf = proxy::binary()?.with_file_name("fairlead-operator");
    if !Path::new(&path).is_file() {
        bail!("there is no built fairlead-operator: run `cargo build --workspace --bins`");
    }
    Ok(path)
}
