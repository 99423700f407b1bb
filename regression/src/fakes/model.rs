//! A model server whose answers are told by the test: Chat Completions, Responses, Embeddings, Models.
//!
//! Requests without a script are answered by the demo model's rules. What came in is recorded.

mod answer;
mod chat;
mod control;
mod embeddings;
mod exchange;
mod perform;
mod responses;
mod script;
mod server;
mod socket;
mod state;
mod usage;

pub use script::{Call, Cut, Ending, Part, Piece, Raw, Reply, Say, Script, Usage};
pub use server::{ModelServer, Pace};
pub use state::{Counts, Recorded};

#[cfg(test)]
mod tests;
