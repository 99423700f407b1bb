//! The driver: starts peers beside each other, loads them in turn and compares them within each round.

mod arguments;
mod bodies;
mod fill;
mod load;
mod peer;
mod placement;
mod post;
pub(crate) mod process;
pub(crate) mod procfs;
pub(crate) mod report;
mod rounds;
mod sample;
mod scenario;
mod spread;
mod stage;

use std::io::Write;
use std::process::ExitCode;

use report::Report;
use scenario::SCENARIOS;
use stage::Stage;

pub use arguments::Arguments;

/// Runs the scenarios and prints the report. A void run makes the exit code a failure; a missed goal does not.
///
/// Errors: a peer cannot be started, or the load client breaks.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let stage = Stage::set(arguments)?;
    let mut report = Report::default();
    stage.placement.describe(&mut report);
    for (name, scenario) in SCENARIOS.iter().filter(|(name, _)| arguments.wants(name)) {
        writeln!(std::io::stderr(), "bench: {name}")?;
        scenario(&stage, &mut report)?;
    }
    let note = format!("{} rounds of {} s for each peer and scenario.", stage.rounds, stage.seconds);
    report.note(&note);
    report.note(&stage.foreign());
    write!(std::io::stdout(), "{}", report.markdown())?;
    Ok(if report.is_void() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
