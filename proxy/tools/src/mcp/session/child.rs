//! The process of a program, and what it writes to its standard error.

use std::process::Stdio;
use std::sync::Arc;

use process_wrap::tokio::{CommandWrap, KillOnDrop, ProcessGroup};
use rmcp::transport::TokioChildProcess;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::task::JoinSet;

use crate::mcp::failure::{Failure, Reason};
use crate::mcp::program::Program;
use crate::text;

/// A line is logged in pieces of this size.
const LINE_BYTES: usize = 1 << 10;
/// How much of one process is logged.
const LINES: usize = 1000;

/// Starts the process, once it may be started again. What it writes to its standard error goes to the log as long as the task
/// lives.
///
/// Errors: it cannot be started.
pub(super) async fn start(program: &Arc<Program>) -> Result<(TokioChildProcess, JoinSet<()>), Failure> {
    program.may_start().await;
    let mut command = CommandWrap::from(program.command());
    command.wrap(ProcessGroup::leader()).wrap(KillOnDrop);
    let started = TokioChildProcess::builder(command).stderr(Stdio::piped()).spawn();
    let (transport, stderr) = started.map_err(|error| {
        program.complain(&error);
        Failure::from(Reason::Unreachable)
    })?;
    tracing::info!(server = program.label(), process = transport.id(), "MCP server started");
    let mut log = JoinSet::new();
    if let Some(stderr) = stderr {
        let program = Arc::clone(program);
        log.spawn(async move { pass_on(program.label(), stderr).await });
    }
    Ok((transport, log))
}

/// Reads to the end, so that the process never waits for its log.
async fn pass_on(server: &str, stderr: impl AsyncRead + Unpin) {
    let mut reader = BufReader::with_capacity(LINE_BYTES, stderr);
    let mut left = LINES;
    loop {
        let length = match reader.fill_buf().await {
            Ok([]) | Err(_) => return,
            Ok(bytes) => {
                for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).take(left) {
                    left -= 1;
                    let line = text::cleaned(&String::from_utf8_lossy(line));
                    tracing::info!(target: "mcp", server, line, "An MCP server says");
                    if left == 0 {
                        tracing::warn!(target: "mcp", server, "The rest of what it says is left out");
                    }
                }
                bytes.len()
            }
        };
        reader.consume(length);
    }
}
