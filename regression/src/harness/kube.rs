//! A real API server: etcd and kube-apiserver as child processes, driven by kubectl.
//!
//! RBAC is on, anonymous requests are refused, TokenRequest and TokenReview work. There is no kubelet and no controller manager:
//! no Pod runs, nothing is garbage-collected, a namespace never ends.

mod accounts;
mod assets;
mod audit;
mod folder;
mod install;
mod keeper;
mod kubectl;
mod launch;
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, bail};
use parking_lot::Mutex;
use rustix::process::Signal;
use tokio::sync::OnceCell;

use self::folder::Folder;
use self::keeper::Keeper;
use self::launch::Ports;
use self::server::Server;
use super::ports;

pub use self::assets::Assets;
pub use self::audit::{Mark, Write};
pub use self::kubectl::Kubectl;

/// How often a start is tried: another process may take a port that was free.
const ATTEMPTS: usize = 3;

/// With the reason where it does not start: one try is enough for all tests.
static SHARED: OnceCell<Result<Cluster, String>> = OnceCell::const_new();

/// A running cluster with a folder of its own. Both end when it is dropped, or when the process ends, however it does.
#[derive(Debug)]
pub struct Cluster {
    assets: Assets,
    ports: Ports,
    admin: Kubectl,
    numbers: AtomicUsize,
    // In the order in which they end.
    api: Mutex<Option<Arc<Server>>>,
    etcd: Server,
    keeper: Keeper,
    folder: Folder,
}

impl Cluster {
    /// What a cluster starts from; where there is nothing, says aloud that the test is skipped, and why.
    pub fn available() -> Option<Assets> {
        let found = Assets::find();
        if let Err(reason) = &found {
            // Not by a macro: of what they print, cargo shows that of failed tests only.
            let thread = std::thread::current();
            let line = format!("\nSKIPPED: {}: {reason}\n", thread.name().unwrap_or("a test"));
            let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
        }
        found.ok()
    }

    /// The cluster that the tests of a binary share, each in a namespace of its own; `None` as [`Cluster::available`].
    ///
    /// Errors: as [`Cluster::start`].
    pub async fn shared() -> anyhow::Result<Option<&'static Self>> {
        if Self::available().is_none() {
            return Ok(None);
        }
        let start = async || Self::start().await.map_err(|error| format!("{error:#}"));
        match SHARED.get_or_init(start).await {
            Ok(cluster) => Ok(Some(cluster)),
            Err(reason) => bail!("{reason}"),
        }
    }

    /// Starts a cluster and waits until it is ready.
    ///
    /// Errors: the programs are missing, or a server does not get ready; the text holds the end of its log.
    pub async fn start() -> anyhow::Result<Self> {
        let assets = Assets::find()?;
        for _ in 1..ATTEMPTS {
            match Self::attempt(&assets).await {
                Err(error) if format!("{error:#}").contains("address already in use") => {}
                result => return result,
            }
        }
        Self::attempt(&assets).await
    }

    async fn attempt(assets: &Assets) -> anyhow::Result<Self> {
        let [etcd, peer, api] = ports::free()?;
        let (ports, folder) = (Ports { etcd, peer, api }, Folder::make()?);
        let keeper = Keeper::of(folder.path())?;
        let token = std::fs::read_to_string(folder.token())?;
        let admin = Kubectl::new(assets.program("kubectl"), folder.kubeconfig("admin", api, &token)?);
        let etcd = launch::etcd(assets, &folder, ports)?;
        let numbers = AtomicUsize::new(0);
        let (assets, api) = (assets.clone(), Mutex::default());
        let cluster = Self { assets, ports, admin, numbers, api, etcd, keeper, folder };
        cluster.restart().await?;
        Ok(cluster)
    }

    /// Ends the API server as `kill -9` does; etcd stays.
    pub fn stop(&self) {
        *self.api.lock() = None;
    }

    /// Starts the API server again, on the same port and the same etcd.
    ///
    /// Errors: as at the first start.
    pub async fn restart(&self) -> anyhow::Result<()> {
        self.stop();
        let api = Arc::new(launch::api(&self.assets, &self.folder, self.ports)?);
        *self.api.lock() = Some(Arc::clone(&api));
        self.keeper.watch(&[self.etcd.id(), api.id()])?;
        launch::ready(&self.admin, self.ports.api, [&self.etcd, &api]).await
    }

    /// Freezes the API server: connections are accepted and nothing is answered.
    ///
    /// Errors: it is stopped.
    pub fn pause(&self) -> anyhow::Result<()> {
        self.signal(Signal::STOP)
    }

    /// Thaws it.
    ///
    /// Errors: it is stopped.
    pub fn resume(&self) -> anyhow::Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        self.api.lock().as_ref().context("the API server is stopped")?.signal(signal)
    }

    /// kubectl of a member of `system:masters`.
    pub fn admin(&self) -> &Kubectl {
        &self.admin
    }

    /// A number that nothing else of this cluster has.
    fn number(&self) -> usize {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}
