//! How often calls have run.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::ruling::Limit;

/// Seconds that a call counts after the one in which it ran, so that no minute has too many, wherever it begins.
const WINDOW: u64 = 60;

/// How many windows are kept before those in which nothing counts any more are dropped.
const ROOM: usize = 4096;

/// A limit that is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// The rule whose limit it is.
    pub rule: String,
}

/// The calls of one response.
#[derive(Debug, Default)]
pub struct Counts(BTreeMap<String, u32>);

impl Counts {
    /// Counts a call that is about to run.
    ///
    /// Errors: a limit is reached; then nothing is counted.
    pub fn take(&mut self, limits: &[Limit]) -> Result<(), Exceeded> {
        let counted = || limits.iter().filter_map(|limit| Some((&limit.rule, limit.per_response?)));
        let so_far = |rule: &String| self.0.get(rule).copied().unwrap_or_default();
        if let Some((rule, _)) = counted().find(|(rule, most)| so_far(rule) >= *most) {
            return Err(Exceeded { rule: rule.clone() });
        }
        for (rule, _) in counted() {
            *self.0.entry(rule.clone()).or_default() += 1;
        }
        Ok(())
    }
}

/// The calls of the last minute in this process, by rule and tenant.
#[derive(Debug, Default)]
pub struct Rates(Mutex<BTreeMap<(String, String), Window>>);

/// The calls in each second of the last minute, the oldest first.
#[derive(Debug, Default)]
struct Window(BTreeMap<u64, u32>);

impl Rates {
    /// Counts a call that is about to run, at `now`, in seconds of a clock that never goes back.
    ///
    /// Errors: a limit is reached; then nothing is counted.
    pub fn take(&self, tenant: &str, limits: &[Limit], now: u64) -> Result<(), Exceeded> {
        let counted = || limits.iter().filter_map(|limit| Some((&limit.rule, limit.per_minute?)));
        if counted().next().is_none() {
            return Ok(());
        }
        let mut windows = self.0.lock();
        if windows.len() >= ROOM {
            windows.retain(|_, window| window.calls(now) > 0);
        }
        let key = |rule: &String| (rule.clone(), tenant.to_owned());
        for (rule, most) in counted() {
            if windows.get_mut(&key(rule)).map_or(0, |window| window.calls(now)) >= most {
                return Err(Exceeded { rule: rule.clone() });
            }
        }
        for (rule, _) in counted() {
            *windows.entry(key(rule)).or_default().0.entry(now).or_default() += 1;
        }
        Ok(())
    }
}

impl Window {
    /// Counts the calls of the last minute and forgets older ones.
    fn calls(&mut self, now: u64) -> u32 {
        self.0.retain(|second, _| second.saturating_add(WINDOW) >= now);
        self.0.values().sum()
    }
}
