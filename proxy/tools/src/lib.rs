//! Executes the calls that the server runs, and says which calls those are.

pub mod mcp;
pub mod think;
pub mod toolbox;
