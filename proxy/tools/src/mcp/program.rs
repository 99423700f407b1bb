//! A server that is a program on this machine: a child process, spoken to by its standard streams.

mod starts;

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, sleep_until};

use self::starts::Starts;

/// A program that serves the protocol by its standard streams. It runs without a shell, in a process group of its own, and
/// sees no variable of the environment but those that are given.
pub struct Program {
    label: String,
    command: String,
    arguments: Vec<SecretString>,
    environment: BTreeMap<String, SecretString>,
    starts: Mutex<Starts>,
}

impl Program {
    /// A program; nothing is started. `label` names it in the log.
    pub fn new(
        label: String,
        command: String,
        arguments: Vec<SecretString>,
        environment: BTreeMap<String, SecretString>,
    ) -> Self {
        Self { label, command, arguments, environment, starts: Mutex::default() }
    }

    /// Names it in the log.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Waits until it may be started again: at once, unless it was started a short time ago.
    pub(super) async fn may_start(&self) {
        loop {
            let due = {
                let (mut starts, now) = (self.starts.lock(), Instant::now());
                if starts.begin(now) {
                    return;
                }
                starts.due(now)
            };
            sleep_until(due).await;
        }
    }

    /// What is to be run.
    pub(super) fn command(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(&self.command);
        command.args(self.arguments.iter().map(ExposeSecret::expose_secret)).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value.expose_secret())));
        command
    }

    /// Says why it cannot be started. Its arguments may hold secrets.
    pub(super) fn complain(&self, error: &io::Error) {
        tracing::warn!(server = self.label, command = self.command, %error, "Cannot start an MCP server");
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("label", &self.label)
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_could_be_secret_is_printed() {
        let secret = || SecretString::from("hunter2");
        let environment = BTreeMap::from([("TOKEN".to_owned(), secret())]);
        let program = Program::new("files".into(), "files-server".into(), vec![secret()], environment);
        assert_eq!(format!("{program:?}"), r#"Program { label: "files", command: "files-server", .. }"#);
    }
}
