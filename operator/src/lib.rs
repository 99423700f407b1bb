//! The operator: watches custom resources, compiles them, delivers the result to proxies and tells the truth in statuses.

mod admin;
pub mod cli;
mod clock;
mod cluster;
mod cluster_keys;
mod delivery;
mod engine;
mod guard;
mod hash_key;
mod keys;
mod leader;
mod recall;
pub mod run;
mod status;
mod values;
mod watch;

/// An error with all its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
