//! Cold start and idle memory.

use std::time::Duration;

use crate::drive::report::{Goal, Report};
use crate::drive::stage::Stage;

/// How long a peer rests before its memory is read.
const REST: Duration = Duration::from_secs(1);

pub(crate) fn measure(stage: &Stage, report: &mut Report) -> anyhow::Result<()> {
    let (mut cold, mut idle, mut floor_cold, mut floor_idle) = (vec![], vec![], vec![], vec![]);
    for round in 0..stage.rounds {
        let floor = stage.floor()?;
        floor_cold.push(floor.cold_start_ms);
        let ours = stage.fairlead(&stage.folder(&format!("start-{round}")))?;
        cold.push(ours.cold_start_ms);
        std::thread::sleep(REST);
        idle.push(ours.resident_mib()?);
        floor_idle.push(floor.resident_mib()?);
    }
    report.value("Cold start to the first 200, empty folder, ms", &cold, Goal::AtMost(50.0));
    report.value("… bare pingora, ms", &floor_cold, Goal::None);
    report.value("Idle memory (RSS) with SQLite open, MiB", &idle, Goal::AtMost(15.0));
    report.value("… bare pingora, MiB", &floor_idle, Goal::None);
    Ok(())
}
