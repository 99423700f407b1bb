//! What an entry says: one variant per kind that makes entries.
//!
//! Defaults are applied, names are effective, references are entry ids, durations are milliseconds: whoever builds a
//! runtime from a spec decides nothing again.

mod gateway;
mod key;
mod model;
mod provider;
mod tenant;

use serde::{Deserialize, Serialize};

pub use crds::model::{ModelType, RetryReason};
pub use crds::model_provider::CallerCredentials;
pub use crds::responses_gateway::Method;
pub use gateway::{Authentication, ClusterKeys, GatewaySpec, JwtIssuer, Limits, Tenancy};
pub use key::{KeyHash, KeySpec};
pub use model::{Backoff, Capabilities, Decimal, Defaults, ModelSpec, Retry, Target};
pub use provider::{Credential, OpenAiSpec, Placement, Protocol, ProviderSpec, Timeouts, WireApi};
pub use tenant::{Filter, Subject, TenantSpec};

/// The compiled content of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Spec {
    /// Of a ResponsesGateway: who may call, and within which limits.
    Gateway(GatewaySpec),
    /// Of a Tenant: who belongs to it, and what it may see.
    Tenant(TenantSpec),
    /// Of an APIKey: what it hashes to, and whose it is.
    Key(KeySpec),
    /// Of a ModelProvider: how to reach one upstream API.
    Provider(ProviderSpec),
    /// Of a Model: a public model name and where its calls go.
    Model(ModelSpec),
}
