//! Servers, and a proxy, that speak the real protocols and misbehave on request.

pub mod images;
pub mod mcp;
pub mod model;
pub mod proxy;
pub mod web;
