//! What policies are written in, from text to answer.

#[cfg(test)]
#[path = "suite/expressions.rs"]
mod expressions;
