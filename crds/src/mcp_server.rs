//! MCPServer: a remote MCP server and what may be done with its tools.

#![expect(unreachable_pub, reason = "the derived schema copies each public struct into a function")]

mod auth;
mod status;
mod tools;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::Duration;
use crate::model_provider::{CallerCredentials, OnMissingSecret};
use crate::reference::ObjectRef;
use crate::tls::Tls;

pub use auth::{Auth, Bearer, ClientCredentials, SecretHeader};
pub use status::{ListedTool, McpServerStatus, ToolsStatus};
pub use tools::{Approval, ApprovalDefault, Override, Pin, Pinning, Tools};

/// A remote MCP server: where it is, its credential, which of its tools are offered, and when a person has to approve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "fairlead.dev",
    version = "v1alpha1",
    kind = "MCPServer",
    root = "McpServerResource",
    plural = "mcpservers",
    shortname = "rmcp",
    category = "fairlead",
    namespaced,
    doc = "A remote MCP server: where it is, its credential, which of its tools are offered, and when a person has to approve.",
    status = "McpServerStatus",
    selectable = ".spec.serverLabel",
    printcolumn = r#"{"name":"Label","type":"string","jsonPath":".status.effective.name"}"#,
    printcolumn = r#"{"name":"Tools","type":"integer","jsonPath":".status.tools.count"}"#,
    printcolumn = r#"{"name":"Healthy","type":"string","jsonPath":".status.conditions[?(@.type==\"Healthy\")].status"}"#,
    printcolumn = r#"{"name":"Protocol","type":"string","priority":1,"jsonPath":".status.protocolVersion"}"#,
    printcolumn = r#"{"name":"Accepted","type":"string","jsonPath":".status.conditions[?(@.type==\"Accepted\")].status"}"#,
    printcolumn = r#"{"name":"Refs","type":"string","jsonPath":".status.conditions[?(@.type==\"ResolvedRefs\")].status"}"#,
    printcolumn = r#"{"name":"Programmed","type":"string","jsonPath":".status.conditions[?(@.type==\"Programmed\")].status"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[x_kube(
    validation = Rule::new("!has(self.auth) || self.allowPlaintextCredentials || (has(self.endpoint.url) ? (!isURL(self.endpoint.url) || url(self.endpoint.url).getScheme() == 'https' || url(self.endpoint.url).getHostname() in ['localhost', '127.0.0.1', '::1']) : (!has(self.endpoint.serviceRef) || self.endpoint.serviceRef.scheme == 'https'))")
        .message("credentials over http:// need allowPlaintextCredentials: true"),
    validation = Rule::new("!has(self.auth) || !has(self.auth.oauthClientCredentials) || self.allowPlaintextCredentials || !isURL(self.auth.oauthClientCredentials.tokenURL) || url(self.auth.oauthClientCredentials.tokenURL).getScheme() == 'https' || url(self.auth.oauthClientCredentials.tokenURL).getHostname() in ['localhost', '127.0.0.1', '::1']")
        .message("a tokenURL over http:// needs allowPlaintextCredentials: true"),
    validation = Rule::new("self.callerCredentials != 'Require' || !has(self.auth)")
        .message("auth must not be set with callerCredentials: Require"),
    validation = Rule::new("!has(self.tls) || (has(self.endpoint.url) ? (!isURL(self.endpoint.url) || url(self.endpoint.url).getScheme() == 'https') : (!has(self.endpoint.serviceRef) || self.endpoint.serviceRef.scheme == 'https'))")
        .message("tls goes with https")
)]
pub struct McpServer {
    /// The gateways that serve this server. Where absent: every gateway of the object's own namespace.
    #[serde(rename = "gatewayRefs", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub gateway_refs: Option<Vec<ObjectRef>>,

    /// What clients send as `tools[].server_label`. Where absent: the name of the object. Models see tools as
    /// `mcp__<label>__<tool>`.
    #[serde(rename = "serverLabel", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[a-zA-Z][a-zA-Z0-9_-]{0,63}$')").message("serverLabel must start with a letter and hold letters, digits, _ and - only"))]
    pub server_label: Option<String>,

    /// What the model reads about the server, where the request says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub description: Option<String>,

    /// Where the server is.
    pub endpoint: Endpoint,

    /// The protocol to speak. Auto finds it out. The list is open: more values may come.
    #[serde(default)]
    pub protocol: Protocol,

    /// The server's own credential. Where absent, calls carry none, or the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,

    /// Whether requests may, or must, bring `authorization` and `headers` for this server. Headers of `auth` win.
    #[serde(rename = "callerCredentials", default)]
    pub caller_credentials: CallerCredentials,

    /// Allows credentials over `http://`. Loopback needs no leave.
    #[serde(rename = "allowPlaintextCredentials", default)]
    pub allow_plaintext_credentials: bool,

    /// What to do when a Secret of `auth` is gone or lacks the key.
    #[serde(rename = "onMissingSecret", default)]
    pub on_missing_secret: OnMissingSecret,

    /// Whether the URL may lead to private addresses: RFC 1918, CGNAT, ULA and cluster names. A `serviceRef` is private by
    /// itself.
    #[serde(rename = "allowPrivateEndpoint", default)]
    pub allow_private_endpoint: bool,

    /// How its certificate is checked, and that of `tokenURL`: of the latter, `serverName` says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,

    /// Which tools are offered, and how they are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Tools>,

    /// When a person has to approve a call. It is a floor: requests and ToolPolicies can only ask for more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,

    /// What happens when the tools of this server cannot be listed. Open: the response goes on without them. Closed: it fails.
    #[serde(rename = "failureMode", default)]
    pub failure_mode: FailureMode,

    /// How long a list of tools is kept where the server does not say: 1s to 1h.
    #[serde(rename = "catalogTTL", default = "catalog_ttl")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('1h')").message("must be between 1s and 1h"))]
    pub catalog_ttl: Duration,

    /// Limits of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,

    /// Limits of each process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

fn catalog_ttl() -> Duration {
    Duration::new("60s")
}

/// Where a server is: exactly one of url, serviceRef.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("has(self.url) != has(self.serviceRef)").message("exactly one of url, serviceRef"))]
pub struct Endpoint {
    /// An http or https URL without user info.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(
        validation = Rule::new("isURL(self) && self.matches('^https?://') && !self.contains('@')")
            .message("url must be an http(s) URL without user info"),
        validation = Rule::new(r"!self.matches('^[a-z]+://(169[.]254[.]|0[.]0[.]0[.]0(:|/|$)|\\[([0:]+\\]|[fF][eE][89aAbB]))')")
            .message("link-local and unspecified addresses are never allowed")
    )]
    pub url: Option<String>,
    /// A Service of the cluster. One of another namespace needs a ReferenceGrant there.
    #[serde(rename = "serviceRef", default, skip_serializing_if = "Option::is_none")]
    pub service_ref: Option<ServiceRef>,
}

/// A port of a Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ServiceRef {
    /// Name of the Service.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: String,
    /// Namespace of the Service. Where absent: the namespace of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
    /// Port of the Service.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// Path of the endpoint.
    #[serde(default = "path")]
    #[schemars(length(min = 1, max = 256), regex(pattern = r"^/[!$&-;=@-Z_a-z~%]*$"))]
    pub path: String,
    /// How to speak to it. The list is open: more values may come.
    #[serde(default)]
    pub scheme: Scheme,
}

fn path() -> String {
    "/mcp".to_owned()
}

/// How to speak to a Service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// In the clear.
    #[default]
    Http,
    /// Over TLS.
    Https,
}

/// The protocol of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Protocol {
    /// Found out by asking.
    #[default]
    Auto,
    /// Streamable HTTP without sessions: revision 2026-07-28 and later.
    Modern,
    /// Streamable HTTP with `initialize`: revisions 2025-03-26 to 2025-11-25.
    Legacy,
    /// HTTP with a stream of events beside it: revision 2024-11-05.
    #[serde(rename = "SSE")]
    Sse,
}

/// What happens when the tools of a server cannot be listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum FailureMode {
    /// The response goes on without them.
    #[default]
    Open,
    /// The response fails.
    Closed,
}

/// Limits of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Timeouts {
    /// To connect, TLS included: 100ms to 60s.
    #[serde(default = "connect")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('100ms') && duration(self) <= duration('60s')").message("must be between 100ms and 60s"))]
    pub connect: Duration,
    /// To list the tools, all pages: 1s to 10m.
    #[serde(default = "list")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('10m')").message("must be between 1s and 10m"))]
    pub list: Duration,
    /// For one call, counted again from each report of progress: 1s to 1h.
    #[serde(default = "call")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('1h')").message("must be between 1s and 1h"))]
    pub call: Duration,
    /// For one call, whatever its progress: 1s to 1h.
    #[serde(default = "total")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('1h')").message("must be between 1s and 1h"))]
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: connect(), list: list(), call: call(), total: total() }
    }
}

fn connect() -> Duration {
    Duration::new("2s")
}

fn list() -> Duration {
    Duration::new("10s")
}

fn call() -> Duration {
    Duration::new("60s")
}

fn total() -> Duration {
    Duration::new("300s")
}

/// Limits of each process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Limits {
    /// Calls at a time.
    #[serde(rename = "maxConcurrentCalls", default = "max_concurrent_calls")]
    #[schemars(range(min = 1, max = 10_000))]
    pub max_concurrent_calls: i32,
    /// Calls started in a second.
    #[serde(rename = "callsPerSecond", default = "calls_per_second")]
    #[schemars(range(min = 1, max = 10_000))]
    pub calls_per_second: i32,
    /// Longest result that a model sees, in bytes. A longer one is cut, and says so.
    #[serde(rename = "maxResultBytes", default = "max_result_bytes")]
    #[schemars(range(min = 1024, max = 16_777_216))]
    pub max_result_bytes: i32,
    /// Tools that are listed at most.
    #[serde(rename = "maxTools", default = "max_tools")]
    #[schemars(range(min = 1, max = 10_000))]
    pub max_tools: i32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_concurrent_calls: max_concurrent_calls(),
            calls_per_second: calls_per_second(),
            max_result_bytes: max_result_bytes(),
            max_tools: max_tools(),
        }
    }
}

fn max_concurrent_calls() -> i32 {
    16
}

fn calls_per_second() -> i32 {
    20
}

fn max_result_bytes() -> i32 {
    262_144
}

fn max_tools() -> i32 {
    1000
}
