//! The Responses API: request, response, items, tools and events.

pub mod content;
pub mod event;
pub mod item;
pub mod mcp;
pub mod request;
pub mod response;
pub mod show;
pub mod tokens;
pub mod tool;
pub mod usage;
