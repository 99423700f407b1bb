//! Which core does what.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::drive::report::Report;

/// Where a process runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// The model server and the load client.
    Harness,
    /// What is measured.
    Peer,
}

/// Whether peers have a core of their own.
#[derive(Debug)]
pub(crate) enum Placement {
    Pinned,
    Shared(&'static str),
}

impl Placement {
    pub(crate) fn find() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let taskset = Command::new("taskset").args(["-c", "1", "true"]).stderr(Stdio::null()).status();
        match (cores, taskset) {
            (0 | 1, _) => Self::Shared("there is one core"),
            (_, Ok(status)) if status.success() => Self::Pinned,
            (_, Ok(_) | Err(_)) => Self::Shared("taskset cannot pin"),
        }
    }

    /// The command that runs `program` in its place.
    pub(crate) fn command(&self, program: &Path, role: Role) -> Command {
        let core = match role {
            Role::Harness => "0",
            Role::Peer => "1",
        };
        match self {
            Self::Pinned => {
                let mut command = Command::new("taskset");
                command.args(["-c", core]).arg(program);
                command
            }
            Self::Shared(_) => Command::new(program),
        }
    }

    pub(crate) fn describe(&self, report: &mut Report) {
        report.note(&match self {
            Self::Pinned => {
                "Model server and load client on core 0, the peer on core 1, one worker thread.".to_owned()
            }
            Self::Shared(reason) => {
                format!("NOT PINNED ({reason}): peer and load share cores, rates and latencies mean little.")
            }
        });
    }
}
