//! What is measured.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use crate::clock;
use crate::drive::process::Process;
use crate::drive::{bodies, post, procfs};

/// How long a peer may take to its first answer.
const PATIENCE_MS: f64 = 20_000.0;

/// A server under load.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) address: String,
    /// From the start of the process to its first 200.
    pub(crate) cold_start_ms: f64,
    process: Option<Process>,
}

impl Peer {
    /// A server that the driver did not start for measuring.
    pub(crate) fn direct(address: &str) -> Self {
        Self { address: address.to_owned(), cold_start_ms: 0.0, process: None }
    }

    /// Starts a peer and waits until it relays a chat request.
    pub(crate) fn start(command: Command, address: String, log: &Path) -> anyhow::Result<Self> {
        let started_ns = clock::monotonic_ns();
        let mut process = Process::start(command, log)?;
        loop {
            let first = post::post(&address, "/v1/chat/completions", bodies::CHAT);
            let cold_start_ms = (clock::monotonic_ns() - started_ns) as f64 / 1e6;
            if matches!(first, Ok((200, _))) {
                return Ok(Self { address, cold_start_ms, process: Some(process) });
            }
            let is_late = cold_start_ms > PATIENCE_MS || !process.is_running();
            if is_late {
                let last =
                    first.map_or_else(|error| error.to_string(), |(status, text)| format!("{status} {text}"));
                anyhow::bail!("{address} does not serve: {last}; see {}", log.display());
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    /// Zero for a server that is not measured.
    pub(crate) fn cpu_s(&self) -> anyhow::Result<f64> {
        self.process.as_ref().map_or(Ok(0.0), |process| procfs::cpu_s(process.id()))
    }

    pub(crate) fn resident_mib(&self) -> anyhow::Result<f64> {
        let process = self.process.as_ref().context("not a process of the driver")?;
        procfs::resident_mib(process.id())
    }
}
