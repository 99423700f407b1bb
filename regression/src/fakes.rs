//! Servers that speak the real protocols and misbehave on request.

pub mod model;
