//! What the entry of a ResponsesGateway says.

use std::collections::BTreeSet;

use crds::model_provider::Consent;
use crds::responses_gateway::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::{EntryId, SecretId};
use crate::spec::Held;

/// A fleet of proxies: who may call it, and within which limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewaySpec {
    /// Names the gateway, as `<namespace>/<name>`; objects of that namespace are in every tenant's view.
    pub name: String,
    /// How callers are told apart.
    pub tenancy: Tenancy,
    /// Who may call.
    pub authentication: Authentication,
    /// The keys that check ServiceAccount tokens; only where these count and the keys are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_keys: Option<ClusterKeys>,
    /// Whether requests may bring URLs of their own, where their tenant does not say.
    #[serde(default, skip_serializing_if = "CallerUrls::is_silent")]
    pub caller_urls: CallerUrls,
    /// Whether requests with unknown fields are refused.
    pub strict: bool,
    /// Limits of every process.
    pub limits: Limits,
    /// Limits of what is fetched from the web.
    #[serde(default, skip_serializing_if = "Fetch::is_default")]
    pub fetch: Fetch,
    /// What `web_search` asks; absent = the tool is not available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_search: Option<WebSearch>,
    /// The entry of the Model that `image_generation` asks; absent = the tool is not available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_model: Option<EntryId>,
    /// What runs the code of `code_interpreter`; absent = the tool is not available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_interpreter: Option<Box<MappedTool>>,
    /// How long responses and conversations are kept, in milliseconds; absent = for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_ms: Option<u64>,
    /// The identities (namespace, name) that may fetch this configuration, sorted; only where somebody else runs the proxies.
    pub service_accounts: Vec<(String, String)>,
    /// How long a disconnected proxy counts as serving.
    pub disconnect_timeout_ms: u64,
}

/// The public keys of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterKeys {
    /// The claim `iss` of its tokens.
    pub issuer: String,
    /// A JSON Web Key Set, as the API server publishes it.
    pub jwks: String,
}

/// How callers are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Tenancy {
    /// All are the tenant `default`, which sees everything in the snapshot.
    Single,
    /// The credential names the tenant. A tenant sees what is in the gateway's namespace and in its own ones.
    Multi,
}

/// Who may call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Authentication {
    /// Everybody.
    Disabled,
    /// Who brings a valid credential.
    Required {
        /// The kinds of credential that count; never empty.
        methods: BTreeSet<Method>,
        /// The issuers of tokens, sorted by name; empty unless `methods` has `JWT`.
        jwt: Vec<JwtIssuer>,
    },
}

/// An issuer of tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JwtIssuer {
    /// The name by which Tenants refer to it.
    pub name: String,
    /// The claim `iss`, exactly.
    pub issuer: String,
    /// Values of the claim `aud`, one of which a token must have.
    pub audiences: BTreeSet<String>,
    /// Where its keys lie; absent = by OIDC discovery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// How long its keys are kept, in milliseconds.
    pub jwks_cache_ms: u64,
}

/// Whether requests may bring URLs of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallerUrls {
    /// MCP servers; absent = as the gateway says, and of a gateway: Deny.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp_servers: Option<Consent>,
    /// Patterns of the hosts that such URLs may name; absent = as the gateway says, and of a gateway: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<BTreeSet<String>>,
}

impl CallerUrls {
    /// Tells whether nothing is said.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        *self == Self::default()
    }

    /// Returns what holds for a tenant that says `self` at a gateway that says `gateway`.
    #[must_use]
    pub fn within(&self, gateway: &Self) -> Self {
        Self {
            mcp_servers: self.mcp_servers.or(gateway.mcp_servers),
            hosts: self.hosts.clone().or_else(|| gateway.hosts.clone()),
        }
    }
}

/// Limits of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Longest request body, in bytes.
    pub request_bytes: u64,
    /// Requests at a time.
    pub concurrency: u32,
    /// Rounds of the loop of one response.
    pub rounds: u32,
    /// Tool calls of one response.
    pub tool_calls: u32,
    /// Wall clock of one foreground response, in milliseconds.
    pub foreground_ms: u64,
    /// Streams of one tenant at a time, where the tenant does not say less.
    pub streams_tenant: u32,
}

/// Limits of what is fetched from the web.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fetch {
    /// Longest page, in bytes; of a longer one the beginning is read.
    pub page_bytes: u64,
    /// Time for one search or one page, in milliseconds.
    pub timeout_ms: u64,
}

impl Default for Fetch {
    fn default() -> Self {
        Self { page_bytes: 4_194_304, timeout_ms: 10_000 }
    }
}

impl Fetch {
    /// Tells whether nothing else is said.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A search engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WebSearch {
    /// An instance of SearXNG.
    Searxng {
        /// Without a slash at its end.
        url: String,
    },
    /// The Brave Search API.
    Brave(SearchApi),
    /// The Tavily API.
    Tavily(SearchApi),
    /// A tool of an MCP server.
    Mcp(MappedTool),
}

/// A tool of an MCP server that runs the calls of a built-in tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MappedTool {
    /// The entry of the server.
    pub server: EntryId,
    /// The tool by the server's own name.
    pub tool: String,
    /// The argument that takes the code or the query.
    pub argument: String,
    /// Further arguments, the same in every call.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub arguments: Map<String, Value>,
}

/// A search engine that wants a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchApi {
    /// Without a slash at its end.
    pub base_url: String,
    /// Its key; absent = there should be one, and it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Held>,
}

impl WebSearch {
    /// Lists the secret values that it names.
    pub(super) fn secrets(&self) -> Vec<&SecretId> {
        match self {
            Self::Searxng { .. } | Self::Mcp(_) => Vec::new(),
            Self::Brave(api) | Self::Tavily(api) => api.key.iter().map(|held| &held.secret).collect(),
        }
    }
}
