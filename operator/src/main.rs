//! `fairlead-operator`.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use operator::cli::{Cli, Command, Run};
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Crds => print_definitions(),
        Command::Run(settings) => start(&settings),
    };
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    eprintln!("fairlead-operator: {error}{cause}");
    ExitCode::FAILURE
}

/// Prints every definition as one YAML stream.
fn print_definitions() -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    for kind in crds::KINDS {
        write!(out, "---\n{}", kind.to_yaml()?)?;
    }
    Ok(())
}

fn start(settings: &Run) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.log).context("cannot read --log")?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        anyhow::bail!("another TLS provider is installed already");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(operator::run::run(settings))
}
