//! One turn of the Responses API as a state machine: inputs in, effects out, no I/O.
//!
//! No tokio, no clock, no randomness: a run is a function of its arguments and inputs.
#![deny(missing_docs)]

pub mod choice;
pub mod context;
pub mod finished;
pub mod ids;
pub mod image;
pub mod limits;
pub mod model;
pub mod names;
pub mod run;
pub mod tool;

mod calls;
mod citations;
mod emit;
mod lists;
mod speech;
mod stance;
