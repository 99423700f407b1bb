//! What an entry says: one variant per kind that makes entries.
//!
//! Defaults are applied, names are effective, references are entry ids, durations are milliseconds: whoever builds a
//! runtime from a spec decides nothing again.

mod model;
mod provider;

use serde::Serialize;

pub use crds::model::{ModelType, RetryReason};
pub use crds::model_provider::CallerCredentials;
pub use model::{Backoff, Capabilities, Decimal, Defaults, ModelSpec, Retry, Target};
pub use provider::{Credential, OpenAiSpec, Placement, Protocol, ProviderSpec, Timeouts, WireApi};

/// The compiled content of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Spec {
    /// Of a ModelProvider: how to reach one upstream API.
    Provider(ProviderSpec),
    /// Of a Model: a public model name and where its calls go.
    Model(ModelSpec),
}
