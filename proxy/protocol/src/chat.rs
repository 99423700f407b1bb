//! Chat Completions: request, reply, chunks, and the way to and from a turn of the Responses API.

pub mod accumulate;
pub mod chunk;
pub mod convert;
pub mod peek;
pub mod request;
pub mod response;
pub mod stored;
