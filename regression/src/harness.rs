//! Drives the built proxy: starts it, talks to it byte by byte, and shows its log when a test fails. And starts a real API
//! server for it.

pub mod certificates;
pub mod client;
pub mod frames;
pub mod front;
pub mod kube;
pub mod mcp;
pub mod operator;
pub mod proxy;
pub mod setup;
pub mod veil;

mod body;
mod ports;

pub use certificates::Certificates;
pub use client::{Answer, Client, Open, Request};
pub use frames::Frame;
pub use front::Front;
pub use operator::Operator;
pub use proxy::Proxy;
pub use setup::Setup;
pub use veil::Veil;
