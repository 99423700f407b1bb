//! What a turn costs in which the model calls a tool of an MCP server, beside one in which it only answers.

use crate::drive::bodies;
use crate::drive::load::Load;
use crate::drive::report::{Claim, Goal, Report};
use crate::drive::rounds::{Case, Rounds};
use crate::drive::sample::Sample;
use crate::drive::stage::Stage;

const PLAIN: &str = "plain";
const LOOP: &str = "one MCP call";

/// A run counts only if each loop made exactly two calls of the model and one of the tool: sessions and lists are kept.
pub(crate) fn measure(stage: &Stage, report: &mut Report) -> anyhow::Result<()> {
    let ours = stage.fairlead(&stage.folder("loop"))?;
    let case = |label, load: Load| Case { label, peer: &ours, load: load.connections(16) };
    let plain = case(PLAIN, Load::responses(bodies::UNSTORED));
    let rounds = Rounds::run(stage, &[plain, case(LOOP, Load::agent_loop())])?;
    let claim = |quantity, metric, goal| Claim { quantity, ours: LOOP, base: PLAIN, metric, goal };
    let cpu = "Model, MCP tool, model, c=16, CPU µs a loop";
    report.ratio(&rounds, claim(cpu, Sample::cpu_us_per_request, Goal::AtMost(3.5)));
    report.ratio(&rounds, claim("Model, MCP tool, model, c=16, loops/s", Sample::requests_per_s, Goal::None));
    report.difference(&rounds, claim("Model, MCP tool, model, c=16, p50 ms", Sample::p50_ms, Goal::None));
    Ok(())
}
