//! Logs, the access line, metrics and trace context.

pub mod access;
pub mod logs;
pub mod metrics;
pub mod trace;

pub use metrics::Metrics;
