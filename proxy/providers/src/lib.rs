//! Speaks to model servers: pure dialects, and the client that retries and fails over.

pub mod budget;
pub mod chat;
pub mod dialect;
pub mod profile;
pub mod relay;
pub mod responses;
pub mod retry;
pub mod settings;
pub mod targets;
pub mod transport;
pub mod upstream;

mod answer;
mod calls;
mod fault;
mod free_text;
mod generation;
mod health;
mod images;
mod intake;
mod lenient;
mod order;
#[cfg(test)]
mod support;

pub use dialect::{Decoder, Dialect};
pub use health::{Pulse, State as Health, Trouble};
pub use profile::Profile;
pub use relay::{RelayBody, Relayed};
pub use retry::{Backoff, Reasons, Retry};
pub use settings::{Api, Credential, Settings, Timeouts};
pub use targets::{Call, Target, Targets};
pub use transport::Transport;
pub use upstream::Upstream;
