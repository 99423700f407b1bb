//! How the control plane grows: a real API server, the built operator, and proxies that only follow.

mod api;
mod follower;
mod world;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use regression::harness::kube::Cluster;

use crate::drive::report::{Goal, Report};
use crate::scale::follower::Followers;
use crate::scale::world::{Change, World};

/// Measure how the operator grows with objects and proxies.
#[derive(Clone, Debug, Parser)]
#[command(name = "bench-scale")]
pub struct Arguments {
    /// Models beside each other, in rising order
    #[arg(long, env = "BENCH_OBJECTS", value_delimiter = ',', default_value = "10,100,1000,10000")]
    pub objects: Vec<usize>,
    /// Proxies at a hundred models, or at the first number of objects above
    #[arg(long, env = "BENCH_PROXIES", value_delimiter = ',', default_value = "1,10,100,1000")]
    pub proxies: Vec<usize>,
    /// Changes measured at each size
    #[arg(long, env = "BENCH_CHANGES", default_value_t = 20)]
    pub changes: usize,
}

/// Proxies that follow while the objects grow.
const FEW: usize = 3;
/// Objects while the proxies grow.
const HUNDRED: usize = 100;
/// From here on the goals for many objects hold.
const MANY: usize = 10_000;

/// Measures and prints a table as Markdown. Without an API server it says so, and nothing is measured.
///
/// Errors: a part cannot be started, or a change never arrives.
pub async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if Cluster::available().is_none() {
        return Ok(ExitCode::SUCCESS);
    }
    let (mut report, mut world) = (Report::default(), World::start().await?);
    let mut fleets = arguments.proxies.clone();
    for count in &arguments.objects {
        progress(&format!("{count} models, {FEW} proxies"))?;
        objects(&mut world, *count, arguments.changes, &mut report).await?;
        if *count >= HUNDRED {
            for proxies in std::mem::take(&mut fleets) {
                progress(&format!("{count} models, {proxies} proxies"))?;
                fleet(&world, proxies, (*count, arguments.changes), &mut report).await?;
            }
        }
    }
    report.note("A change is timed from before its PATCH until every proxy has its entry; proxies acknowledge at once and do nothing else.");
    write!(std::io::stdout(), "{}", report.markdown())?;
    Ok(ExitCode::SUCCESS)
}

/// One number of objects, from the start of the operator on.
async fn objects(world: &mut World, count: usize, changes: usize, report: &mut Report) -> anyhow::Result<()> {
    world.grow(count).await?;
    let start_ms = world.restart_operator().await?;
    let mut followers = Followers::connect(world, FEW).await?;
    let changes = world.changes(&mut followers, changes).await?;
    let many = |goal| if count >= MANY { goal } else { Goal::None };
    let named = |what: &str| format!("{count} models, {FEW} proxies: {what}");
    report.value(&named("operator ready, ms"), &[start_ms], Goal::None);
    report.value(&named("memory (RSS), MiB"), &[world.operator_mib()?], many(Goal::AtMost(300.0)));
    report.value(
        &named("a change reaches all proxies, worst of all changes, ms"),
        &[worst(&changes)],
        many(Goal::AtMost(250.0)),
    );
    report.value(&named("… each change, ms"), &each(&changes, |change| change.effect_ms), Goal::None);
    report.value(&named("… Programmed, ms"), &each(&changes, |change| change.programmed_ms), Goal::None);
    report.value(
        &named("… bytes to a proxy"),
        &each(&changes, |change| change.bytes),
        many(Goal::AtMost(20_480.0)),
    );
    report.value(&named("… CPU of the operator, ms"), &each(&changes, |change| change.cpu_ms), Goal::None);
    Ok(())
}

/// One number of proxies.
async fn fleet(
    world: &World,
    proxies: usize,
    (count, changes): (usize, usize),
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut followers = Followers::connect(world, proxies).await?;
    let changes = world.changes(&mut followers, changes).await?;
    let named = |what: &str| format!("{count} models, {proxies} proxies: {what}");
    report.value(
        &named("a change reaches all proxies, ms"),
        &each(&changes, |change| change.effect_ms),
        Goal::None,
    );
    report.value(
        &named("… Programmed, ms"),
        &each(&changes, |change| change.programmed_ms),
        Goal::AtMost(3_000.0),
    );
    report.value(
        &named("… CPU of the operator a proxy, ms"),
        &each(&changes, |change| change.cpu_ms).iter().map(|cpu| cpu / proxies as f64).collect::<Vec<_>>(),
        Goal::None,
    );
    report.value(&named("memory (RSS), MiB"), &[world.operator_mib()?], Goal::None);
    Ok(())
}

fn each(changes: &[Change], figure: fn(&Change) -> f64) -> Vec<f64> {
    changes.iter().map(figure).collect()
}

fn worst(changes: &[Change]) -> f64 {
    changes.iter().map(|change| change.effect_ms).fold(f64::NAN, f64::max)
}

fn progress(what: &str) -> std::io::Result<()> {
    writeln!(std::io::stderr(), "bench-scale: {what}")
}
