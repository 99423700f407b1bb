//! The built proxy as a child process.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::client::Client;
use super::ports;
use super::setup::Setup;

/// How long a start may take.
const START: Duration = Duration::from_secs(20);
/// How long an end may take.
const END: Duration = Duration::from_secs(20);
/// How many lines of its log are shown.
const LOG_LINES: usize = 40;

/// A running proxy with a folder of its own; it is killed when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    setup: Setup,
    folder: TempDir,
    child: Child,
    api: SocketAddr,
    admin: SocketAddr,
}

impl Proxy {
    pub(super) async fn start(setup: Setup) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("fairlead-test-").tempdir()?;
        setup.write(&folder.path().join("config"))?;
        let (child, (api, admin)) = launch(&setup, folder.path()).await?;
        Ok(Self { setup, folder, child, api, admin })
    }

    /// A client of the API port.
    pub fn api(&self) -> Client {
        Client::new(self.api)
    }

    /// A client of the admin port.
    pub fn admin(&self) -> Client {
        Client::new(self.admin)
    }

    /// The process.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// The SQLite file.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("data").join("fairlead.db")
    }

    /// Puts a file into the configuration folder in one step, as `kubectl` and editors do.
    ///
    /// Errors: it cannot be written.
    pub fn configure(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let folder = self.folder.path().join("config");
        let partial = self.folder.path().join("partial");
        std::fs::write(&partial, text)?;
        std::fs::rename(&partial, folder.join(name)).with_context(|| format!("cannot write {name}"))
    }

    /// Removes a file of the configuration folder.
    ///
    /// Errors: it is not there.
    pub fn unconfigure(&self, name: &str) -> anyhow::Result<()> {
        std::fs::remove_file(self.folder.path().join("config").join(name))
            .with_context(|| format!("cannot remove {name}"))
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        log(self.folder.path())
    }

    /// Waits until the log holds `text`, and returns all of it.
    ///
    /// Errors: it does not for 5 seconds.
    pub async fn logged(&self, text: &str) -> anyhow::Result<String> {
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let log = self.log();
            if log.contains(text) {
                return Ok(log);
            }
            anyhow::ensure!(Instant::now() < end, "the log never says {text:?}:\n{log}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Sends SIGTERM.
    ///
    /// Errors: the process is gone.
    pub fn terminate(&self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)
    }

    /// Ends the process as `kill -9` does, and waits for its end.
    ///
    /// Errors: the process is gone.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::KILL)?;
        self.ended().await?;
        Ok(())
    }

    /// Waits for the end of the process.
    ///
    /// Errors: it does not end for 20 seconds.
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        let status = timeout(END, self.child.wait()).await;
        Ok(status.with_context(|| format!("the proxy does not end\n{}", tail(self.folder.path())))??)
    }

    /// Starts it again on the same folder, on other ports.
    ///
    /// Errors: as at the first start.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        if self.child.id().is_some() {
            self.kill().await?;
        }
        let (child, (api, admin)) = launch(&self.setup, self.folder.path()).await?;
        (self.child, self.api, self.admin) = (child, api, admin);
        Ok(())
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let id = self.child.id().context("the proxy has ended already")?;
        let pid = Pid::from_raw(i32::try_from(id)?).context("no process")?;
        Ok(kill_process(pid, signal)?)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The report of the failed test must come out, whatever becomes of this addition.
            let _ = std::io::Write::write_all(&mut std::io::stderr(), tail(self.folder.path()).as_bytes());
        }
    }
}

async fn launch(setup: &Setup, folder: &Path) -> anyhow::Result<(Child, (SocketAddr, SocketAddr))> {
    let mut last = None;
    for _ in 0..3 {
        let [api, admin] = ports::free()?;
        let ports = (api, admin);
        let mut child = spawn(setup, folder, ports)?;
        match ready(&mut child, ports.1, folder).await {
            Ok(()) => return Ok((child, ports)),
            Err(error) => last = Some(error),
        }
        if !log(folder).contains("cannot listen") {
            break;
        }
    }
    Err(last.context("not started")?)
}

fn spawn(setup: &Setup, folder: &Path, (api, admin): (SocketAddr, SocketAddr)) -> anyhow::Result<Child> {
    let log = File::options().create(true).append(true).open(folder.join("log"))?;
    let mut command = Command::new(binary()?);
    command.arg("serve").args(["--listen", &api.to_string(), "--admin-listen", &admin.to_string()]);
    command.arg("--data-dir").arg(folder.join("data")).args(setup.arguments(folder.join("config")));
    command.env_clear().envs(setup.environment().iter().cloned());
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
    command.spawn().context("cannot start the proxy")
}

async fn ready(child: &mut Child, admin: SocketAddr, folder: &Path) -> anyhow::Result<()> {
    let (client, end) = (Client::new(admin), Instant::now() + START);
    loop {
        if let Some(status) = child.try_wait()? {
            bail!("the proxy ended at its start: {status}\n{}", tail(folder));
        }
        if client.get("/readyz").await.is_ok_and(|answer| answer.status == 200) {
            return Ok(());
        }
        if Instant::now() > end {
            bail!("the proxy is not ready after {START:?}\n{}", tail(folder));
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// The proxy that the suites drive: the one that FAIRLEAD_PROXY names, else the one beside the tests.
///
/// Errors: there is none.
#[expect(clippy::disallowed_methods, reason = "the suites are told by the environment which binary to drive")]
pub fn binary() -> anyhow::Result<PathBuf> {
    if let Ok(path) = std::env::var("FAIRLEAD_PROXY") {
        return Ok(path.into());
    }
    let test = std::env::current_exe()?;
    let folders = test.ancestors().skip(1).take(2);
    let found = folders.map(|folder| folder.join("fairlead-proxy")).find(|path| path.is_file());
    found
        .context("there is no built fairlead-proxy: run `cargo build -p proxy` or name one in FAIRLEAD_PROXY")
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap_or_default()
}

fn tail(folder: &Path) -> String {
    let log = log(folder);
    let lines: Vec<&str> = log.lines().collect();
    let shown = &lines[lines.len().saturating_sub(LOG_LINES)..];
    format!("--- the proxy's log ---\n{}\n---\n", shown.join("\n"))
}
