//! `bench-scale`: how the control plane grows with objects and proxies, on a real API server.

use std::process::ExitCode;

use clap::Parser;
use harness::scale::{self, Arguments};

fn main() -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(scale::run(&Arguments::parse()))
}
