//! The demo model, a scripted model server, and what the black-box suites need to drive the built proxy.

pub mod demo;
pub mod fakes;
pub mod harness;
