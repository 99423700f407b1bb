//! `bench`: runs every scenario and prints a table of ratios as Markdown.

use std::process::ExitCode;

use clap::Parser;
use harness::drive::{self, Arguments};

fn main() -> anyhow::Result<ExitCode> {
    drive::run(&Arguments::parse())
}
