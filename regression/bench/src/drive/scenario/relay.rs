//! Answers that are not streamed: the relay, the Responses API over it, and the store.

use crate::drive::bodies;
use crate::drive::load::Load;
use crate::drive::peer::Peer;
use crate::drive::report::{Claim, Goal, Report};
use crate::drive::rounds::{Case, Rounds};
use crate::drive::sample::Sample;
use crate::drive::stage::Stage;

const FLOOR: &str = "pingora";
const DIRECT: &str = "no proxy";
const CHAT: &str = "chat";
const UNSTORED: &str = "unstored";
const STORED: &str = "stored";
const CHAINED: &str = "chains of 8";

pub(crate) fn measure(stage: &Stage, report: &mut Report) -> anyhow::Result<()> {
    let (floor, ours) = (stage.floor()?, stage.fairlead(&stage.folder("relay"))?);
    one(&Rounds::run(stage, &chat(&floor, &ours, 1))?, report);
    let mut sixteen = chat(&floor, &ours, 16);
    sixteen.push(Case { label: STORED, peer: &ours, load: Load::responses(bodies::STORED).chain(1) });
    sixteen.push(Case { label: CHAINED, peer: &ours, load: Load::responses(bodies::STORED).chain(8) });
    self::sixteen(&Rounds::run(stage, &sixteen)?, report);
    let direct = stage.direct();
    let mut many = chat(&floor, &ours, 64);
    many.push(Case { label: DIRECT, peer: &direct, load: Load::chat().connections(64) });
    many.push(responses(UNSTORED, &ours, Load::responses(bodies::UNSTORED)));
    many.push(responses(STORED, &ours, Load::responses(bodies::STORED).chain(1)));
    many.push(responses(CHAINED, &ours, Load::responses(bodies::STORED).chain(8)));
    self::many(&Rounds::run(stage, &many)?, report);
    report.value("Memory (RSS) after these loads, MiB", &[ours.resident_mib()?], Goal::None);
    Ok(())
}

fn chat<'a>(floor: &'a Peer, ours: &'a Peer, connections: u64) -> Vec<Case<'a>> {
    let case = |label, peer| Case { label, peer, load: Load::chat().connections(connections) };
    vec![case(FLOOR, floor), case(CHAT, ours)]
}

fn responses<'a>(label: &'static str, peer: &'a Peer, load: Load) -> Case<'a> {
    Case { label, peer, load: load.connections(64) }
}

fn one(rounds: &Rounds, report: &mut Report) {
    let chat = |quantity, metric, goal| Claim { quantity, ours: CHAT, base: FLOOR, metric, goal };
    report.ratio(rounds, chat("Chat relay, c=1, CPU µs a request", Sample::cpu_us_per_request, Goal::None));
    report.difference(rounds, chat("Chat relay, c=1, p50 ms", Sample::p50_ms, Goal::None));
    report.difference(rounds, chat("Chat relay, c=1, p99 ms", Sample::p99_ms, Goal::None));
}

fn sixteen(rounds: &Rounds, report: &mut Report) {
    let chat = |quantity, metric, goal| Claim { quantity, ours: CHAT, base: FLOOR, metric, goal };
    report.ratio(rounds, chat("Chat relay, c=16, CPU µs a request", Sample::cpu_us_per_request, Goal::None));
    report.difference(rounds, chat("Chat relay, c=16, p50 ms", Sample::p50_ms, Goal::AtMost(0.2)));
    report.difference(rounds, chat("Chat relay, c=16, p99 ms", Sample::p99_ms, Goal::AtMost(0.5)));
    for (quantity, ours) in [
        ("Responses, store=true, c=16, p99 ms", STORED),
        ("Responses, store=true in chains of 8, c=16, p99 ms", CHAINED),
    ] {
        let claim = Claim { quantity, ours, base: FLOOR, metric: Sample::p99_ms, goal: Goal::AtMost(10.0) };
        report.figure(rounds, claim);
    }
}

fn many(rounds: &Rounds, report: &mut Report) {
    let per_core: fn(&Sample) -> f64 = Sample::requests_per_core;
    let per_s: fn(&Sample) -> f64 = Sample::requests_per_s;
    let claims = [
        ("Chat relay, c=64, requests a second of CPU", CHAT, FLOOR, per_core, Goal::AtLeast(0.9)),
        ("Chat relay, c=64, requests/s", CHAT, FLOOR, per_s, Goal::None),
        (
            "Responses over chat, store=false, c=64, requests a second of CPU",
            UNSTORED,
            FLOOR,
            per_core,
            Goal::AtLeast(0.55),
        ),
        ("Responses over chat, store=false, c=64, requests/s", UNSTORED, FLOOR, per_s, Goal::None),
        ("Responses, store=true, c=64, requests/s", STORED, UNSTORED, per_s, Goal::AtLeast(0.5)),
        (
            "Responses, store=true in chains of 8, c=64, requests/s",
            CHAINED,
            UNSTORED,
            per_s,
            Goal::AtLeast(0.5),
        ),
        ("The harness by itself: bare pingora, c=64, requests/s", FLOOR, DIRECT, per_s, Goal::None),
    ];
    for (quantity, ours, base, metric, goal) in claims {
        report.ratio(rounds, Claim { quantity, ours, base, metric, goal });
    }
    for (quantity, ours) in [
        ("Responses, store=false, CPU µs a request", UNSTORED),
        ("Responses, store=true, CPU µs a request", STORED),
    ] {
        let metric = Sample::cpu_us_per_request;
        report.ratio(rounds, Claim { quantity, ours, base: CHAT, metric, goal: Goal::None });
    }
}
