//! One turn of the Responses API as a state machine: inputs in, effects out, no I/O.
//!
//! No tokio, no clock, no randomness: a run is a function of its arguments and inputs.
#![deny(missing_docs)]

pub mod ids;
pub mod limits;
pub mod model;
pub mod tool;
