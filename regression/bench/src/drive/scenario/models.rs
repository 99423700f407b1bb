//! What many models cost requests and the start.

use crate::drive::load::Load;
use crate::drive::report::{Claim, Goal, Report};
use crate::drive::rounds::{Case, Rounds};
use crate::drive::sample::Sample;
use crate::drive::stage::Stage;

const MODELS: usize = 2_000;
const ONE: &str = "one model";
const MANY: &str = "2,000 models";

pub(crate) fn measure(stage: &Stage, report: &mut Report) -> anyhow::Result<()> {
    let one = stage.fairlead(&stage.folder("one-model"))?;
    let many = stage.fairlead_with(MODELS, &stage.folder("many-models"))?;
    report.value("Cold start with 2,000 models, ms", &[many.cold_start_ms], Goal::AtMost(1_000.0));
    report.value("Memory (RSS) with 2,000 models, MiB", &[many.resident_mib()?], Goal::None);
    let case = |label, peer| Case { label, peer, load: Load::chat().connections(64) };
    let rounds = Rounds::run(stage, &[case(ONE, &one), case(MANY, &many)])?;
    let goal = Goal::AtMost(1.05);
    let metric = Sample::cpu_us_per_request;
    let quantity = "Chat relay with 2,000 models, c=64, CPU µs a request";
    report.ratio(&rounds, Claim { quantity, ours: MANY, base: ONE, metric, goal });
    Ok(())
}
