//! Durable responses, chat completions and calls that wait for an approval, in SQLite or PostgreSQL.
//!
//! Every method takes the tenant first, and every key begins with it: a foreign id behaves like an unknown one.

mod approvals;
mod completions;
mod error;
mod images;
mod listed;
mod open;
mod responses;
mod settings;
mod sql;

pub use approvals::{Approval, Approvals, NewApproval, PendingCall};
pub use completions::{CompletionFilter, Completions, NewCompletion};
pub use error::Error;
pub use listed::Listed;
pub use open::Store;
pub use responses::{Chain, NewResponse, Responses};
pub use settings::Settings;
