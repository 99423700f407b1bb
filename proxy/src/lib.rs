//! The data plane: pingora edge, API, run driver, live configuration, telemetry.

pub mod admin;
pub mod api;
pub mod app;
pub mod auth;
pub mod boot;
pub mod cli;
pub mod clock;
pub mod edge;
pub mod egress;
pub mod error;
pub mod limits;
pub mod live;
pub mod offline;
pub mod relay;
pub mod route;
pub mod runs;
pub mod settings;
pub mod telemetry;
pub mod tokens;
