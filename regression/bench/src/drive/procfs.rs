//! CPU time and memory as the kernel counts them.

use std::fs;

use anyhow::Context;

/// Ticks a second in /proc (USER_HZ), the same on every Linux that Rust supports in tier 1.
const TICKS_PER_S: f64 = 100.0;

/// CPU seconds of a process, user and system. Resolution: 10 ms.
pub(crate) fn cpu_s(pid: u32) -> anyhow::Result<f64> {
    ticks(&pid.to_string(), [11, 12])
}

/// CPU seconds of this process and of its children that have ended.
pub(crate) fn own_cpu_s() -> anyhow::Result<f64> {
    Ok(ticks("self", [11, 12])? + ticks("self", [13, 14])?)
}

/// CPU seconds of the whole machine.
pub(crate) fn machine_cpu_s() -> anyhow::Result<f64> {
    let text = fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().unwrap_or_default();
    let fields: Vec<f64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    let is_idle = |index: &usize| matches!(index, 3 | 4 | 7..);
    Ok(fields.iter().enumerate().filter(|(index, _)| !is_idle(index)).map(|(_, ticks)| ticks).sum::<f64>()
        / TICKS_PER_S)
}

/// Resident memory of a process in MiB.
pub(crate) fn resident_mib(pid: u32) -> anyhow::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}

/// The fields are numbered from the one after the name in parentheses.
fn ticks(process: &str, fields: [usize; 2]) -> anyhow::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))
        .with_context(|| format!("process {process} has ended"))?;
    let (_, rest) = text.rsplit_once(')').context("no name in stat")?;
    let values: Vec<&str> = rest.split_whitespace().collect();
    let field = |index: usize| values.get(index).and_then(|value| value.parse::<f64>().ok());
    Ok(fields.into_iter().filter_map(field).sum::<f64>() / TICKS_PER_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_the_machine_has_worked() {
        assert!(resident_mib(std::process::id()).unwrap() > 0.1);
        assert!(machine_cpu_s().unwrap() > own_cpu_s().unwrap());
    }
}
