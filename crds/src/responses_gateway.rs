//! ResponsesGateway: a fleet of proxies.

#![expect(unreachable_pub, reason = "the derived schema copies each public struct into a function")]

mod mapped;
mod tools;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::Duration;
use crate::reference::{CallerUrls, Namespaces, ObjectRef};
use crate::status::Status;
use crate::time::Time;

pub use mapped::MappedTool;
pub use tools::{CodeInterpreter, ImageGeneration, SearchApi, Searxng, Tools, WebSearch, WebSearchType};

/// A fleet of proxies: whose objects they serve, who may call them, and within which limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "fairlead.dev",
    version = "v1alpha1",
    kind = "ResponsesGateway",
    root = "ResponsesGatewayResource",
    plural = "responsesgateways",
    shortname = "rgw",
    category = "fairlead",
    namespaced,
    doc = "A fleet of proxies: whose objects they serve, who may call them, and within which limits.",
    status = "ResponsesGatewayStatus",
    printcolumn = r#"{"name":"Proxies","type":"integer","jsonPath":".status.delivery.proxies.connected"}"#,
    printcolumn = r#"{"name":"Hash","type":"string","jsonPath":".status.delivery.hash","priority":1}"#,
    printcolumn = r#"{"name":"Accepted","type":"string","jsonPath":".status.conditions[?(@.type==\"Accepted\")].status"}"#,
    printcolumn = r#"{"name":"Refs","type":"string","jsonPath":".status.conditions[?(@.type==\"ResolvedRefs\")].status"}"#,
    printcolumn = r#"{"name":"Programmed","type":"string","jsonPath":".status.conditions[?(@.type==\"Programmed\")].status"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[x_kube(
    validation = Rule::new("self.authentication.mode != 'Disabled' || self.authentication.acknowledgeInsecure")
        .message("authentication.mode Disabled needs acknowledgeInsecure: true")
)]
pub struct ResponsesGateway {
    /// Whose objects may attach to this gateway. Where absent: those of its own namespace.
    #[serde(rename = "allowedNamespaces", default, skip_serializing_if = "Option::is_none")]
    pub allowed_namespaces: Option<Namespaces>,

    /// How callers are told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenancy: Option<Tenancy>,

    /// Who may call.
    pub authentication: Authentication,

    /// Whether requests may bring URLs of their own, where their Tenant does not say.
    #[serde(rename = "callerURLs", default, skip_serializing_if = "Option::is_none")]
    pub caller_urls: Option<CallerUrls>,

    /// How requests are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responses: Option<Responses>,

    /// Limits of each process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,

    /// How long responses and conversations are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,

    /// What the built-in tools use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Tools>,

    /// How proxies get their configuration.
    #[serde(rename = "configDelivery", default, skip_serializing_if = "Option::is_none")]
    pub config_delivery: Option<ConfigDelivery>,

    /// Who runs the proxies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub infrastructure: Option<Infrastructure>,
}

/// How callers are told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Tenancy {
    /// Single: all callers are one tenant `default`, which sees everything that is attached. Multi: the credential names
    /// the tenant. The list is open: more values may come.
    #[serde(default)]
    pub mode: TenancyMode,
}

/// How callers are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TenancyMode {
    /// They are not.
    #[default]
    Single,
    /// By the tenant that their credential names.
    Multi,
}

/// Who may call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(
    validation = Rule::new("self.mode != 'Required' || (has(self.methods) && self.methods.size() > 0)")
        .message("authentication.mode Required needs at least one of methods"),
    validation = Rule::new("(has(self.methods) && 'JWT' in self.methods) == has(self.jwt)")
        .message("jwt is set if and only if methods contains JWT")
)]
pub struct Authentication {
    /// Required: who brings a credential. Disabled: everybody. The list is open: more values may come.
    #[serde(default)]
    pub mode: AuthenticationMode,
    /// Says that a gateway without authentication is meant.
    #[serde(rename = "acknowledgeInsecure", default)]
    pub acknowledge_insecure: bool,
    /// The kinds of credential that count. The list is open: more values may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 3))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub methods: Option<Vec<Method>>,
    /// The issuers of tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub jwt: Option<Vec<Issuer>>,
}

/// Whether callers need a credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AuthenticationMode {
    /// They do.
    #[default]
    Required,
    /// They do not.
    Disabled,
}

/// A kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Method {
    /// The key of an APIKey.
    #[serde(rename = "APIKey")]
    ApiKey,
    /// A token of one of the issuers in `jwt`.
    #[serde(rename = "JWT")]
    Jwt,
    /// A token of a ServiceAccount of the cluster, with audience `fairlead`.
    ServiceAccount,
}

/// An issuer of tokens (OpenID Connect). RS256, ES256 and EdDSA only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Issuer {
    /// Name by which Tenants refer to the issuer.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// The claim `iss`, exactly.
    #[schemars(length(min = 1, max = 512))]
    pub issuer: String,
    /// Values of the claim `aud`, one of which a token must have.
    #[schemars(length(min = 1, max = 8), inner(length(min = 1, max = 256)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub audiences: Vec<String>,
    /// Where the keys lie. Where absent: by OIDC discovery.
    #[serde(rename = "jwksURI", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub jwks_uri: Option<String>,
    /// How long keys are kept: 1m to 24h.
    #[serde(rename = "jwksCache", default = "jwks_cache")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1m') && duration(self) <= duration('24h')").message("must be between 1m and 24h"))]
    pub jwks_cache: Duration,
}

fn jwks_cache() -> Duration {
    Duration::new("10m")
}

/// How requests are read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Responses {
    /// Lenient: unknown fields are ignored. Strict: they are refused. The list is open: more values may come.
    #[serde(default)]
    pub validation: Validation,
}

/// What becomes of unknown fields of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Validation {
    /// They are ignored.
    #[default]
    Lenient,
    /// They are refused.
    Strict,
}

/// Limits of each process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Limits {
    /// Longest request body, in bytes.
    #[serde(rename = "requestBytes", default = "request_bytes")]
    #[schemars(range(min = 1024, max = 134_217_728))]
    pub request_bytes: i32,
    /// Requests at a time.
    #[serde(rename = "concurrency", default = "concurrency")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub concurrency: i32,
    /// Limits of one response. A request can only lower them.
    #[serde(rename = "loop", default, skip_serializing_if = "Option::is_none")]
    pub loop_: Option<LoopLimits>,
    /// Limits of streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<StreamLimits>,
    /// Limits of what is fetched from the web.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<FetchLimits>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_bytes: request_bytes(),
            concurrency: concurrency(),
            loop_: None,
            streams: None,
            fetch: None,
        }
    }
}

fn request_bytes() -> i32 {
    33_554_432
}

fn concurrency() -> i32 {
    10_000
}

/// Limits of one response. What goes over them ends as incomplete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct LoopLimits {
    /// Turns of the model.
    #[serde(rename = "rounds", default = "rounds")]
    #[schemars(range(min = 1, max = 100))]
    pub rounds: i32,
    /// Tool calls.
    #[serde(rename = "toolCalls", default = "tool_calls")]
    #[schemars(range(min = 1, max = 1000))]
    pub tool_calls: i32,
    /// Wall clock of a foreground response: 1s to 1h.
    #[serde(default = "foreground")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('1h')").message("must be between 1s and 1h"))]
    pub foreground: Duration,
}

impl Default for LoopLimits {
    fn default() -> Self {
        Self { rounds: rounds(), tool_calls: tool_calls(), foreground: foreground() }
    }
}

fn rounds() -> i32 {
    25
}

fn tool_calls() -> i32 {
    64
}

fn foreground() -> Duration {
    Duration::new("10m")
}

/// Limits of streams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct StreamLimits {
    /// Streams of one tenant at a time.
    #[serde(rename = "tenant", default = "tenant")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub tenant: i32,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self { tenant: tenant() }
    }
}

fn tenant() -> i32 {
    1000
}

/// Limits of what is fetched from the web.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct FetchLimits {
    /// Longest web page that is read, in bytes; of a longer one the beginning is.
    #[serde(rename = "pageBytes", default = "page_bytes")]
    #[schemars(range(min = 1024, max = 67_108_864))]
    pub page_bytes: i32,
    /// Time for one search or one page: 1s to 10m.
    #[serde(default = "fetch_timeout")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('10m')").message("must be between 1s and 10m"))]
    pub timeout: Duration,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self { page_bytes: page_bytes(), timeout: fetch_timeout() }
    }
}

fn page_bytes() -> i32 {
    4_194_304
}

fn fetch_timeout() -> Duration {
    Duration::new("10s")
}

/// How long responses and conversations are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct State {
    /// 0s to 87600h; 0s = for ever.
    #[serde(default = "retention")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('0s') && duration(self) <= duration('87600h')").message("must be between 0s and 87600h"))]
    pub retention: Duration,
}

impl Default for State {
    fn default() -> Self {
        Self { retention: retention() }
    }
}

fn retention() -> Duration {
    Duration::new("720h")
}

/// How proxies get their configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ConfigDelivery {
    /// How long a disconnected proxy counts as serving: 5s to 1h.
    #[serde(rename = "disconnectTimeout", default = "disconnect_timeout")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('5s') && duration(self) <= duration('1h')").message("must be between 5s and 1h"))]
    pub disconnect_timeout: Duration,
}

impl Default for ConfigDelivery {
    fn default() -> Self {
        Self { disconnect_timeout: disconnect_timeout() }
    }
}

fn disconnect_timeout() -> Duration {
    Duration::new("60s")
}

/// Who runs the proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("(self.mode == 'External') == has(self.serviceAccounts)").message("serviceAccounts is set if and only if mode is External"))]
pub struct Infrastructure {
    /// Managed: the operator. External: somebody else. The list is open: more values may come.
    #[serde(default)]
    pub mode: InfrastructureMode,
    /// The identities that may fetch the configuration of this gateway, with mode: External.
    #[serde(rename = "serviceAccounts", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub service_accounts: Option<Vec<ObjectRef>>,
}

/// Who runs the proxies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum InfrastructureMode {
    /// The operator.
    #[default]
    Managed,
    /// Somebody else.
    External,
}

/// What the operator tells about a ResponsesGateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ResponsesGatewayStatus {
    /// What is told about objects of every kind.
    #[serde(flatten)]
    pub common: Status,
    /// How many objects the proxies serve.
    #[serde(rename = "attachedObjects", default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub attached_objects: Option<i32>,
    /// How far the configuration has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
}

/// How far the configuration of a gateway has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Delivery {
    /// Hash of what proxies should run.
    #[schemars(length(min = 1, max = 128))]
    pub hash: String,
    /// Counts the leaders of the operator.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    pub epoch: i64,
    /// Counts what a leader published.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    pub sequence: i64,
    /// How many proxies have come how far.
    pub proxies: Proxies,
    /// What proxies could not run, the latest first.
    #[serde(rename = "lastRejections", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub last_rejections: Option<Vec<Rejection>>,
}

/// How many proxies have come how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Proxies {
    /// Those with a stream.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub connected: i32,
    /// Those that run what they should.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub applied: i32,
    /// Those that could not run a part of it.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub rejected: i32,
    /// Those that do not answer.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub stale: i32,
}

/// What a proxy could not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Rejection {
    /// Name of the proxy.
    #[schemars(length(min = 1, max = 253))]
    pub proxy: String,
    /// The entry, for instance `model/team-a/smart`. Absent: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub id: Option<String>,
    /// Why, in one word.
    #[schemars(length(min = 1, max = 64))]
    pub reason: String,
    /// Why, in a sentence.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// When that was told.
    pub time: Time,
}
