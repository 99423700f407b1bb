//! Wire types of the OpenAI-compatible API: what goes over the wire, and nothing about how it gets there.
//!
//! No tokio, no clock, no randomness. Unknown fields and unknown items are kept and passed on.
#![deny(missing_docs)]

pub mod chat;
pub mod destination;
pub mod embeddings;
pub mod error;
pub mod id;
pub mod models;
pub mod page;
pub mod read;
pub mod responses;
pub mod secret;
pub mod sse;
pub mod tag;

/// A JSON object in the order in which it was written.
pub type Object = serde_json::Map<String, serde_json::Value>;
