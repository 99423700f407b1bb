//! What tool policies promise.

#[cfg(test)]
#[path = "suite/counters.rs"]
mod counters;
#[cfg(test)]
#[path = "suite/kit.rs"]
mod kit;
#[cfg(test)]
#[path = "suite/laws.rs"]
mod laws;
#[cfg(test)]
#[path = "suite/policies.rs"]
mod policies;
