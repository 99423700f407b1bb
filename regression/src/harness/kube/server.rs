//! One server process of a cluster.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};

/// How many lines of its log are shown.
const LOG_LINES: usize = 30;

/// A running server; it is killed when it is dropped.
#[derive(Debug)]
pub(super) struct Server {
    child: Mutex<Child>,
    log: PathBuf,
}

impl Server {
    /// Starts a program with nothing of the environment, and a log.
    pub(super) fn start(program: &Path, flags: &[String], log: PathBuf) -> anyhow::Result<Self> {
        let output = File::options().create(true).append(true).open(&log)?;
        let mut command = Command::new(program);
        command.args(flags).env_clear();
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { child: Mutex::new(child), log })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.lock().id()
    }

    /// Errors: it has ended; the text holds the end of its log.
    pub(super) fn is_alive(&self) -> anyhow::Result<()> {
        match self.child.lock().try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the server ended: {status}\n{}", self.tail()),
        }
    }

    /// Errors: it has ended.
    pub(super) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        self.is_alive()?;
        let pid = Pid::from_raw(i32::try_from(self.id())?).context("no process")?;
        Ok(kill_process(pid, signal)?)
    }

    /// The end of its log.
    pub(super) fn tail(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let shown = &lines[lines.len().saturating_sub(LOG_LINES)..];
        format!("--- the end of {} ---\n{}\n---", self.log.display(), shown.join("\n"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only where it is gone already.
        let child = self.child.get_mut();
        let _ = child.kill();
        let _ = child.wait();
    }
}
