//! The operator: watches custom resources, compiles them, and tells what it sees.

mod admin;
pub mod cli;
mod cluster;
mod run;

pub use run::run;
