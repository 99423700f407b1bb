//! The client of MCP servers: connections, tool lists, calls, and what a call's result becomes.
//!
//! It speaks streamable HTTP in both eras (stateless since 2026-07-28; sessions before) and the HTTP+SSE transport of 2024-11-05; programs on this
//! machine it speaks to by their standard streams.
//! Servers are hostile by assumption: everything that they send is bounded, and none of their words reach an error of ours but a
//! JSON-RPC message and a tool's own output.

mod catalog;
mod failure;
mod headers;
mod joint;
mod legacy_sse;
mod oauth;
mod outcome;
mod pool;
mod program;
mod schema;
mod server;
mod session;
mod tool;
mod witness;

pub use catalog::{Catalog, Flaw, Problem};
pub use failure::{Failure, Reason};
pub use headers::{BadHeader, Headers};
pub use oauth::{ClientAuth, ClientCredentials};
pub use outcome::{Image, Outcome};
pub use pool::Pool;
pub use program::Program;
pub use server::{Call, Limits, Place, Progress, Protocol, Server, Sink, Timeouts, Trace, Web};
pub use tool::Tool;
pub use witness::Witness;
