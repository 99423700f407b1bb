//! What an entry says: one variant per kind that makes entries.
//!
//! Defaults are applied, names are effective, references are entry ids, durations are milliseconds: whoever builds a
//! runtime from a spec decides nothing again.

mod gateway;
mod key;
mod mcp_server;
mod model;
mod provider;
mod tenant;
mod tls;
mod tool_policy;

use serde::{Deserialize, Serialize};

use crate::id::SecretId;

pub use crds::mcp_server::{FailureMode, Pinning, Protocol as McpProtocol};
pub use crds::model::{ModelType, RetryReason};
pub use crds::model_provider::{CallerCredentials, Consent};
pub use crds::responses_gateway::Method;
pub use crds::tool_policy::{Action, Taint, ToolType};
pub use gateway::{
    Authentication, CallerUrls, ClusterKeys, Fetch, GatewaySpec, JwtIssuer, Limits, MappedTool, SearchApi,
    Tenancy, WebSearch,
};
pub use key::{KeyHash, KeySpec};
pub use mcp_server::{
    ClientCredentials, Held, McpApproval, McpCredential, McpLimits, McpServerSpec, McpTimeouts, McpTools,
};
pub use model::{Backoff, Capabilities, Decimal, Defaults, ModelSpec, Retry, Target};
pub use provider::{Credential, OpenAiSpec, Placement, Protocol, ProviderSpec, Timeouts, WireApi};
pub use tenant::{Filter, Subject, TenantSpec};
pub use tls::{Authorities, Tls};
pub use tool_policy::{PolicyRedaction, PolicyRule, PolicySpec, PolicySubject, PolicyTarget, ToolChoice};

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
    /// Of an MCPServer: where it is, and what may be done with its tools.
    McpServer(Box<McpServerSpec>),
    /// Of a ToolPolicy: who may call which tool with which arguments.
    ToolPolicy(PolicySpec),
}

impl Spec {
    /// Returns the name by which callers know the object, where it has one.
    #[must_use]
    pub fn public_name(&self) -> Option<&str> {
        match self {
            Self::Model(model) => Some(&model.name),
            Self::McpServer(server) => Some(&server.label),
            Self::Gateway(_) | Self::Tenant(_) | Self::Key(_) | Self::Provider(_) | Self::ToolPolicy(_) => {
                None
            }
        }
    }

    /// Returns how TLS connections are checked, where the content leads to a server.
    #[must_use]
    pub fn tls(&self) -> Option<&Tls> {
        match self {
            Self::Provider(provider) => Some(&provider.tls),
            Self::McpServer(server) => Some(&server.tls),
            Self::Gateway(_) | Self::Tenant(_) | Self::Key(_) | Self::Model(_) | Self::ToolPolicy(_) => None,
        }
    }

    /// Lists the secret values that the content names.
    #[must_use]
    pub fn secrets(&self) -> Vec<&SecretId> {
        match self {
            Self::Provider(provider) => match &provider.credential {
                Credential::Key { secret, .. } => vec![secret],
                Credential::None | Credential::Missing => Vec::new(),
            },
            Self::McpServer(server) => server.credential.secrets(),
            Self::Gateway(gateway) => gateway.web_search.iter().flat_map(WebSearch::secrets).collect(),
            Self::Tenant(_) | Self::Key(_) | Self::Model(_) | Self::ToolPolicy(_) => Vec::new(),
        }
    }
}
