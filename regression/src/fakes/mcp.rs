//! An MCP server in every era, with tools that do as they should and troubles that a test asks for.
//!
//! It serves streamable HTTP at `/mcp`, HTTP+SSE at `/sse`, and a token endpoint at `/token`. What came in is recorded.

mod act;
mod answer;
mod behaviour;
mod calls;
mod issuer;
mod legacy;
mod lists;
mod modern;
mod perform;
mod rpc;
mod server;
mod sse;
mod state;

pub use act::{Act, Tool};
pub use behaviour::{Access, Behaviour, Eras, Issuer, Listing, Replies, Trouble, Turns};
pub use server::McpServer;
pub use state::Counts;
