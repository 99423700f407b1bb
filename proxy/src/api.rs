//! The operations, one file for each family.

pub mod chat;
pub mod embeddings;
pub mod input_tokens;
pub mod models;
pub mod query;
pub mod responses;
pub mod stored_chat;
