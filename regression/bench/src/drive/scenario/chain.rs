//! How the cost of a turn grows with the depth of its chain.

use crate::drive::load::Load;
use crate::drive::report::{Claim, Goal, Report};
use crate::drive::rounds::{Case, Rounds};
use crate::drive::sample::Sample;
use crate::drive::stage::Stage;
use crate::drive::{bodies, post};

const DEPTHS: [(&str, u64); 3] = [("depth 1", 1), ("depth 8", 8), ("depth 32", 32)];
/// Items of the turns that depth 32 has before depth 1.
const EARLIER_ITEMS: f64 = 62.0;

pub(crate) fn measure(stage: &Stage, report: &mut Report) -> anyhow::Result<()> {
    let ours = stage.fairlead(&stage.folder("chain"))?;
    let turns = turns(&ours.address)?;
    for (body, (label, depth)) in turns.iter().zip(DEPTHS) {
        post::stored_response(&ours.address, body)?;
        let sent = stage.last_messages()? as f64;
        let goal = Goal::Exactly((2 * depth - 1) as f64);
        report.value(&format!("Messages sent upstream by a turn at {label}"), &[sent], goal);
    }
    let case = |(body, (label, _)): (&String, (&'static str, u64))| Case {
        label,
        peer: &ours,
        load: Load::responses(body),
    };
    let rounds = Rounds::run(stage, &turns.iter().zip(DEPTHS).map(case).collect::<Vec<_>>())?;
    for (label, _) in &DEPTHS[1..] {
        let quantity = format!("A turn at {label}, c=16, CPU µs");
        let metric = Sample::cpu_us_per_request;
        let claim = Claim { quantity: &quantity, ours: label, base: DEPTHS[0].0, metric, goal: Goal::None };
        report.ratio(&rounds, claim);
    }
    if DEPTHS.iter().all(|(label, _)| rounds.void(label).is_none()) {
        let slope = |deep: f64, first: f64| (deep - first) / EARLIER_ITEMS;
        let slopes = rounds.pairs(("depth 32", "depth 1"), Sample::cpu_us_per_request, slope);
        report.value("A turn, CPU µs for each earlier item, sending included", &slopes, Goal::AtMost(3.0));
    }
    Ok(())
}

/// The requests that make a turn of each depth.
fn turns(address: &str) -> anyhow::Result<Vec<String>> {
    let mut body = bodies::STORED.to_owned();
    let mut turns = Vec::new();
    for depth in 1..=32 {
        if DEPTHS.iter().any(|(_, wanted)| *wanted == depth) {
            turns.push(body.clone());
        }
        body = bodies::turn(&post::stored_response(address, &body)?);
    }
    Ok(turns)
}
