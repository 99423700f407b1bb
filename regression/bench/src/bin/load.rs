//! `bench-load`: a closed-loop HTTP/1.1 client on one thread. Prints a summary as JSON.

use std::io::Write;

use clap::Parser;
use harness::load::{self, Arguments};

fn main() -> anyhow::Result<()> {
    let summary = load::run(Arguments::parse())?;
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&summary)?)?;
    Ok(())
}
