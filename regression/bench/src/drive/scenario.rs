//! What is measured, in the order of the table.

mod agent_loop;
mod chain;
mod growth;
mod models;
mod relay;
mod start;
mod streams;

use crate::drive::report::Report;
use crate::drive::stage::Stage;

type Scenario = fn(&Stage, &mut Report) -> anyhow::Result<()>;

/// The scenarios by name.
pub(crate) const SCENARIOS: [(&str, Scenario); 7] = [
    ("start", start::measure),
    ("relay", relay::measure),
    ("streams", streams::measure),
    ("growth", growth::measure),
    ("chain", chain::measure),
    ("models", models::measure),
    ("loop", agent_loop::measure),
];
