//! What policies are written in: expressions, redactions and patterns of names.
//!
//! No I/O, clock or randomness. The compiler of configuration checks them, and the proxy runs the same ones.
#![deny(missing_docs)]

pub mod expression;
pub mod glob;
mod redaction;

pub use expression::{Expression, Facts, Failure};
pub use redaction::Redaction;
