//! `fairlead-proxy`: serve, validate, render, why, routes.

use std::process::ExitCode;

use clap::Parser;
use proxy::cli::{Cli, Command};
use proxy::{boot, offline};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        None => boot::serve(cli.serve, environment()),
        Some(Command::Serve(serve)) => boot::serve(*serve, environment()),
        Some(Command::Validate(sources)) => offline::validate(&sources, &environment()),
        Some(Command::Render(asked)) => offline::render(&asked, &environment()),
        Some(Command::Why(asked)) => offline::why(&asked, &environment()),
        Some(Command::Routes) => offline::routes(),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            boot::complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// The environment at the start; nothing else reads it.
fn environment() -> boot::Environment {
    std::env::vars().collect()
}
