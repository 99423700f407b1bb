//! What the entry of an MCPServer says.

use std::collections::{BTreeMap, BTreeSet};

use crds::mcp_server::{FailureMode, Pinning, Protocol};
use crds::model_provider::CallerCredentials;
use serde::{Deserialize, Serialize};

use super::{Filter, Tls};
use crate::hash::Hash;
use crate::id::SecretId;

/// A remote MCP server: where it is, its credential, which of its tools are offered, and when a person has to approve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct McpServerSpec {
    /// The namespace of the object, which decides who sees it.
    pub namespace: String,
    /// The name of the object, for logs and metrics.
    pub name: String,
    /// What clients send as `server_label`. No other server that the same tenant sees has it.
    pub label: String,
    /// What the model reads about the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The endpoint: an http or https URL without user info. Absent: there is a Service that may not be referred to, and calls
    /// must fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The protocol that the server speaks.
    pub protocol: Protocol,
    /// The server's own credential.
    pub credential: McpCredential,
    /// Whether requests may, or must, bring credentials and headers for this server. Those of `credential` win.
    pub caller_credentials: CallerCredentials,
    /// Whether credentials, the caller's too, may travel over `http://` to hosts other than loopback.
    pub allow_plaintext_credentials: bool,
    /// Whether the URLs may lead to private addresses. Loopback is never opened by this.
    pub allow_private_endpoint: bool,
    /// How TLS connections are checked.
    #[serde(default, skip_serializing_if = "Tls::is_default")]
    pub tls: Tls,
    /// Which tools are offered, and how they are shown.
    pub tools: McpTools,
    /// When a person has to approve, at least.
    pub approval: McpApproval,
    /// What happens when the tools cannot be listed.
    pub failure_mode: FailureMode,
    /// How long a list of tools is kept where the server does not say, in milliseconds.
    pub catalog_ttl_ms: u64,
    /// Limits of time.
    pub timeouts: McpTimeouts,
    /// Limits of each process.
    pub limits: McpLimits,
}

impl McpServerSpec {
    /// A server of whose object nothing is known but its name, which is its label: all else is as the definition's defaults
    /// say, but that no call needs an approval and no pin is looked at.
    #[must_use]
    pub fn plain(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            label: name.to_owned(),
            description: None,
            url: None,
            protocol: Protocol::Auto,
            credential: McpCredential::None,
            caller_credentials: CallerCredentials::Deny,
            allow_plaintext_credentials: false,
            allow_private_endpoint: false,
            tls: Tls::default(),
            tools: McpTools {
                filter: Filter::default(),
                trust_annotations: false,
                overrides: BTreeMap::new(),
                pinning: Pinning::Disabled,
                pins: BTreeMap::new(),
            },
            approval: McpApproval::Never,
            failure_mode: FailureMode::Open,
            catalog_ttl_ms: 60_000,
            timeouts: McpTimeouts { connect_ms: 2_000, list_ms: 10_000, call_ms: 60_000, total_ms: 300_000 },
            limits: McpLimits {
                concurrent_calls: 16,
                calls_per_second: 20,
                result_bytes: 262_144,
                tools: 1_000,
            },
        }
    }
}

/// A secret value that an entry names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// Where its value lies in the secrets of the snapshot; always present there.
    pub secret: SecretId,
    /// The keyed hash of its value, so that a rotation changes the entry.
    pub hash: Hash,
}

/// The credential that Fairlead itself holds for an MCP server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum McpCredential {
    /// None is configured: calls carry none, or the caller's.
    None,
    /// `authorization: Bearer <value>`.
    Bearer(Held),
    /// Headers by name, in lower case.
    Headers(BTreeMap<String, Held>),
    /// A token by the OAuth 2.0 grant `client_credentials`.
    ClientCredentials(Box<ClientCredentials>),
    /// One is configured and a value of it is missing: calls must fail.
    Missing,
}

/// How to get a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientCredentials {
    /// Where tokens are issued: an http or https URL without user info.
    pub token_url: String,
    /// The id of the client.
    pub client_id: Held,
    /// The secret of the client.
    pub client_secret: Held,
    /// What is asked for.
    pub scopes: BTreeSet<String>,
    /// What the token is for (RFC 8707).
    pub resource: String,
}

/// Which tools of a server are offered, and how they are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct McpTools {
    /// Tools that are offered, by their names at the server.
    pub filter: Filter,
    /// Whether what the server says of its tools is believed.
    pub trust_annotations: bool,
    /// Descriptions that take the place of the server's, by the names of tools.
    pub overrides: BTreeMap<String, String>,
    /// What happens to a tool that is not as its pin says.
    pub pinning: Pinning,
    /// What tools must be like, by their names: `sha256:` and 64 hexadecimal digits.
    pub pins: BTreeMap<String, String>,
}

/// When a person has to approve a call, at least.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum McpApproval {
    /// Always, but for the tools that fit one of these patterns.
    Always(BTreeSet<String>),
    /// Never, as far as the server is concerned.
    Never,
}

/// Limits of time, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct McpTimeouts {
    /// To connect, TLS included.
    pub connect_ms: u64,
    /// To list the tools, all pages.
    pub list_ms: u64,
    /// For one call, counted again from each report of progress.
    pub call_ms: u64,
    /// For one call, whatever its progress.
    pub total_ms: u64,
}

/// Limits of each process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct McpLimits {
    /// Calls at a time.
    pub concurrent_calls: u32,
    /// Calls started in a second.
    pub calls_per_second: u32,
    /// Longest result that a model sees, in bytes.
    pub result_bytes: u32,
    /// Tools that are listed at most.
    pub tools: u32,
}

impl McpServerSpec {
    /// Tells whether both lead to the same server with the same credential, so that what was seen of one holds for the other.
    #[must_use]
    pub fn is_same_server(&self, other: &Self) -> bool {
        let of = |spec: &Self| (spec.url.clone(), spec.protocol, spec.credential.clone(), spec.tls.clone());
        of(self) == of(other)
    }
}

impl McpCredential {
    /// Lists the secret values that it names.
    pub(super) fn secrets(&self) -> Vec<&SecretId> {
        match self {
            Self::None | Self::Missing => Vec::new(),
            Self::Bearer(held) => vec![&held.secret],
            Self::Headers(headers) => headers.values().map(|held| &held.secret).collect(),
            Self::ClientCredentials(client) => vec![&client.client_id.secret, &client.client_secret.secret],
        }
    }
}
