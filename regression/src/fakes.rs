//! Servers, and a proxy, that speak the real protocols and misbehave on request.

pub mod images;
mod listen;
pub mod mcp;
pub mod model;
pub mod proxy;
pub mod web;
