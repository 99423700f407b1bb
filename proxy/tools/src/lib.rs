//! Executes the calls that the server runs, and says which calls those are.

pub mod builtin;
pub mod connected;
pub mod governed;
pub mod image_generation;
pub mod mapped;
pub mod mcp;
pub mod policy;
pub mod progress;
pub mod remote;
mod text;
pub mod think;
pub mod toolbox;
pub mod web_search;
