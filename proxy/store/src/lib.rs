//! Durable responses and chat completions, in SQLite or PostgreSQL.
//!
//! Every method takes the tenant first, and every key begins with it: a foreign id behaves like an unknown one.

mod completions;
mod error;
mod listed;
mod open;
mod responses;
mod settings;
mod sql;

pub use completions::{CompletionFilter, Completions, NewCompletion};
pub use error::Error;
pub use listed::Listed;
pub use open::Store;
pub use responses::{Chain, NewResponse, Responses};
pub use settings::Settings;
