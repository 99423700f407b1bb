//! Streams: what a chunk costs, and how soon it arrives.

use crate::drive::load::Load;
use crate::drive::report::{Claim, Goal, Report};
use crate::drive::rounds::{Case, Rounds};
use crate::drive::sample::Sample;
use crate::drive::stage::Stage;

const FLOOR: &str = "pingora";
const CHAT: &str = "chat";
const RESPONSES: &str = "responses";

const CHUNKS: u64 = 64;
const PACE_US: u64 = 20_000;

pub(crate) fn measure(stage: &Stage, report: &mut Report) -> anyhow::Result<()> {
    let (floor, ours) = (stage.floor()?, stage.fairlead(&stage.folder("streams"))?);
    let cases = |shape: fn(Load) -> Load| {
        [
            Case { label: FLOOR, peer: &floor, load: shape(Load::chat_stream()) },
            Case { label: CHAT, peer: &ours, load: shape(Load::chat_stream()) },
            Case { label: RESPONSES, peer: &ours, load: shape(Load::responses_stream()) },
        ]
    };
    stage.stream(CHUNKS, 0)?;
    unpaced(&Rounds::run(stage, &cases(|load| load))?, report);
    stage.stream(CHUNKS, PACE_US)?;
    paced(&Rounds::run(stage, &cases(|load| load.connections(64).ramp_ms(1_000)))?, report);
    stage.stream(CHUNKS, 0)
}

fn unpaced(rounds: &Rounds, report: &mut Report) {
    let metric = Sample::cpu_us_per_chunk;
    for (quantity, ours, goal) in [
        ("Chat stream, 64 chunks, c=16, CPU µs a chunk", CHAT, 1.05),
        ("Responses stream from chat chunks, c=16, CPU µs a chunk", RESPONSES, 1.25),
    ] {
        report.ratio(rounds, Claim { quantity, ours, base: FLOOR, metric, goal: Goal::AtMost(goal) });
    }
}

fn paced(rounds: &Rounds, report: &mut Report) {
    for (name, ours) in [("Chat", CHAT), ("Responses", RESPONSES)] {
        let first = format!("{name}, 64 streams of 20 ms: first token p50 ms");
        let claim = |quantity, metric, goal| Claim { quantity, ours, base: FLOOR, metric, goal };
        report.difference(rounds, claim(&first, Sample::first_token_p50_ms, Goal::AtMost(0.1)));
        let worst = format!("{name}, 64 streams of 20 ms: first token p99 ms, by itself");
        report.figure(rounds, claim(&worst, Sample::first_token_p99_ms, Goal::AtMost(2.0)));
        let transit = format!("{name}, 64 streams of 20 ms: chunk transit p99 ms");
        report.ratio(rounds, claim(&transit, Sample::transit_p99_ms, Goal::AtMost(1.2)));
    }
}
