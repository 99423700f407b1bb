//! How the time of the store grows with what it holds.

use std::fs;
use std::path::PathBuf;

use crate::drive::load::Load;
use crate::drive::peer::Peer;
use crate::drive::report::{Claim, Goal, Report};
use crate::drive::rounds::{Case, Rounds};
use crate::drive::sample::Sample;
use crate::drive::stage::Stage;
use crate::drive::{bodies, fill, post};

const FEW: u64 = 1_000;
const MANY: u64 = 100_000;
const MOST: u64 = 1_000_000;
/// Created in one round, so that the small store stays small.
const CREATED: u64 = 100;

pub(crate) fn measure(stage: &Stage, report: &mut Report) -> anyhow::Result<()> {
    let size = if stage.full { MOST } else { MANY };
    let (small, small_ids) = filled(stage, FEW)?;
    let (large, large_ids) = filled(stage, size)?;
    let create = || Load::responses(bodies::STORED).connections(1).requests(CREATED);
    let cases = [
        Case { label: "create few", peer: &small, load: create() },
        Case { label: "create many", peer: &large, load: create() },
        Case { label: "get few", peer: &small, load: Load::get(small_ids).connections(1) },
        Case { label: "get many", peer: &large, load: Load::get(large_ids).connections(1) },
    ];
    let rounds = Rounds::run(stage, &cases)?;
    for (what, ours, base) in [("create", "create many", "create few"), ("get", "get many", "get few")] {
        for (quantile, metric, goal) in [
            ("p50", Sample::p50_ms as fn(&Sample) -> f64, Goal::AtMost(1.5)),
            ("p99", Sample::p99_ms, Goal::None),
        ] {
            let quantity = format!("Store of {size} beside {FEW} responses: {what}, c=1, {quantile} ms");
            report.ratio(&rounds, Claim { quantity: &quantity, ours, base, metric, goal });
        }
    }
    report.value(&format!("Memory (RSS) at {size} responses, MiB"), &[large.resident_mib()?], Goal::None);
    if !stage.full {
        report.note("The store was filled with 100,000 responses; BENCH_FULL=1 fills it with 1,000,000.");
    }
    Ok(())
}

/// A peer whose store holds `count` responses, and a file with ids of some of them.
fn filled(stage: &Stage, count: u64) -> anyhow::Result<(Peer, PathBuf)> {
    let folder = stage.folder(&format!("growth-{count}"));
    let template = post::stored_response(&stage.fairlead(&folder)?.address, bodies::STORED)?;
    let ids = fill::copies(&folder, &template, count)?;
    let file = stage.folder(&format!("ids-{count}"));
    fs::write(&file, ids.join("\n"))?;
    Ok((stage.fairlead(&folder)?, file))
}
