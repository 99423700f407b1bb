//! ModelProvider: how to reach one upstream API.

#![expect(unreachable_pub, reason = "the derived schema copies each public struct into a function")]

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::Duration;
use crate::reference::{Namespaces, ObjectRef, SecretKeyRef};
use crate::status::Status;
use crate::tls::Tls;

/// How to reach one upstream API: protocol, URL, credential, time limits, and who may use it how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "fairlead.dev",
    version = "v1alpha1",
    kind = "ModelProvider",
    root = "ModelProviderResource",
    plural = "modelproviders",
    shortname = "mprov",
    category = "fairlead",
    namespaced,
    doc = "How to reach one upstream API: protocol, URL, credential, time limits, and who may use it how.",
    status = "ModelProviderStatus",
    selectable = ".spec.type",
    printcolumn = r#"{"name":"Type","type":"string","jsonPath":".spec.type"}"#,
    printcolumn = r#"{"name":"URL","type":"string","jsonPath":".spec.baseURL"}"#,
    printcolumn = r#"{"name":"Healthy","type":"string","jsonPath":".status.conditions[?(@.type==\"Healthy\")].status"}"#,
    printcolumn = r#"{"name":"Accepted","type":"string","jsonPath":".status.conditions[?(@.type==\"Accepted\")].status"}"#,
    printcolumn = r#"{"name":"Refs","type":"string","jsonPath":".status.conditions[?(@.type==\"ResolvedRefs\")].status"}"#,
    printcolumn = r#"{"name":"Programmed","type":"string","jsonPath":".status.conditions[?(@.type==\"Programmed\")].status"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[x_kube(
    validation = Rule::new("!has(self.auth) || self.allowPlaintextCredentials || !isURL(self.baseURL) || url(self.baseURL).getScheme() == 'https' || url(self.baseURL).getHostname() in ['localhost', '127.0.0.1', '::1']")
        .message("credentials over http:// need allowPlaintextCredentials: true"),
    validation = Rule::new("self.callerCredentials != 'Require' || !has(self.auth)")
        .message("auth must not be set with callerCredentials: Require"),
    validation = Rule::new("!has(self.tls) || !isURL(self.baseURL) || url(self.baseURL).getScheme() == 'https'")
        .message("tls goes with https")
)]
pub struct ModelProvider {
    /// The gateways that serve this provider. Where absent: every gateway of the object's own namespace.
    #[serde(rename = "gatewayRefs", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub gateway_refs: Option<Vec<ObjectRef>>,

    /// Protocol of the upstream. It cannot change later. The list is open: more values will come.
    #[serde(rename = "type")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("type is immutable"))]
    pub kind: ProviderType,

    /// URL that the paths of the API follow, for instance `https://api.openai.com/v1`: http or https, without user info or query.
    #[serde(rename = "baseURL")]
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(
        validation = Rule::new("isURL(self) && self.matches('^https?://') && !self.contains('@') && url(self).getQuery().size() == 0")
            .message("baseURL must be an http(s) URL without user info or query"),
        validation = Rule::new(r"!self.matches('^[a-z]+://(169[.]254[.]|0[.]0[.]0[.]0(:|/|$)|\\[([0:]+\\]|[fF][eE][89aAbB]))')")
            .message("link-local and unspecified addresses are never allowed")
    )]
    pub base_url: String,

    /// Settings of type OpenAI.
    #[serde(rename = "openai", default, skip_serializing_if = "Option::is_none")]
    pub openai: Option<OpenAi>,

    /// Further names for `provider@model`, beside the name of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 8),
        inner(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))
    )]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub aliases: Option<Vec<String>>,

    /// Whether `provider@model`, or the header `x-model-provider`, may name this provider without a Model.
    #[serde(rename = "directModels", default)]
    pub direct_models: Consent,

    /// The provider's own credential. Where absent, calls carry none, or the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,

    /// Whether callers may, or must, bring their own key for this provider, in the header `x-model-provider-key` or, where
    /// authentication is disabled, as bearer token. It is sent to this baseURL only.
    #[serde(rename = "callerCredentials", default)]
    pub caller_credentials: CallerCredentials,

    /// Allows credentials over `http://`. Loopback needs no leave.
    #[serde(rename = "allowPlaintextCredentials", default)]
    pub allow_plaintext_credentials: bool,

    /// What to do when the Secret of `auth` is gone or lacks the key.
    #[serde(rename = "onMissingSecret", default)]
    pub on_missing_secret: OnMissingSecret,

    /// Static headers for every request. Nothing secret belongs here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["name".into()]),
        validation = Rule::new("self.all(h, !(h.name.lowerAscii() in ['authorization', 'proxy-authorization', 'cookie', 'x-api-key', 'api-key', 'host', 'content-length', 'transfer-encoding', 'connection', 'te', 'upgrade', 'traceparent', 'tracestate']))")
            .message("credential and transport headers are not allowed here")
    )]
    pub headers: Option<Vec<Header>>,

    /// Whether the URL may lead to private addresses: RFC 1918, CGNAT, ULA and cluster names.
    #[serde(rename = "allowPrivateEndpoint", default)]
    pub allow_private_endpoint: bool,

    /// Whose Models may refer to this provider. Where absent: those of its own namespace.
    #[serde(rename = "allowedNamespaces", default, skip_serializing_if = "Option::is_none")]
    pub allowed_namespaces: Option<Namespaces>,

    /// How its certificate is checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,

    /// Limits of time for one call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,

    /// Retries allowed in percent of the calls.
    #[serde(rename = "retryBudgetPercent", default = "retry_budget_percent")]
    #[schemars(range(min = 0, max = 100))]
    pub retry_budget_percent: i32,
}

fn retry_budget_percent() -> i32 {
    20
}

/// Protocol of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ProviderType {
    /// OpenAI's API, or a compatible one.
    OpenAI,
}

/// Settings of type OpenAI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct OpenAi {
    /// API that generates. Auto: Responses at OpenAI's own host, else ChatCompletions. The list is open: more values may come.
    #[serde(default)]
    pub api: Api,
    /// Value of the header `openai-organization`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[!-~]+$"))]
    pub organization: Option<String>,
    /// Value of the header `openai-project`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[!-~]+$"))]
    pub project: Option<String>,
}

/// API by which an upstream generates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Api {
    /// Responses at OpenAI's own host, else ChatCompletions.
    #[default]
    Auto,
    /// `POST /responses`.
    Responses,
    /// `POST /chat/completions`.
    ChatCompletions,
}

/// Whether something is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Consent {
    /// It is not.
    #[default]
    Deny,
    /// It is.
    Allow,
}

/// Whether callers bring their own key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CallerCredentials {
    /// They cannot.
    #[default]
    Deny,
    /// They may; theirs takes the place of the provider's own.
    Allow,
    /// They must; there is no own key.
    Require,
}

/// What to do when a Secret, or its key, is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnMissingSecret {
    /// Keep the last value.
    #[default]
    KeepLastGood,
    /// Fail the calls that need it.
    Fail,
}

/// A provider's own credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Auth {
    /// A key that every request carries.
    #[serde(rename = "apiKey")]
    pub api_key: ApiKey,
}

/// A key that every request carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ApiKey {
    /// Where the key lies. A Secret of another namespace needs a ReferenceGrant there.
    #[serde(rename = "secretRef")]
    pub secret_ref: SecretKeyRef,
    /// Header that carries the key alone. Where absent: `authorization: Bearer <key>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[-!#$%&'*+.^_`|~0-9A-Za-z]+$"))]
    pub header: Option<String>,
}

/// A static header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Header {
    /// Name of the header.
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[-!#$%&'*+.^_`|~0-9A-Za-z]+$"))]
    pub name: String,
    /// Value of the header.
    #[schemars(length(max = 1024), regex(pattern = r"^[\t -~]*$"))]
    pub value: String,
}

/// Limits of time for one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Timeouts {
    /// To connect, TLS included: 100ms to 60s.
    #[serde(default = "connect")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('100ms') && duration(self) <= duration('60s')").message("must be between 100ms and 60s"))]
    pub connect: Duration,
    /// From the request sent to the head of the answer: 1s to 1h.
    #[serde(rename = "firstByte", default = "first_byte")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('1h')").message("must be between 1s and 1h"))]
    pub first_byte: Duration,
    /// Between two pieces of the answer: 1s to 1h.
    #[serde(rename = "streamIdle", default = "stream_idle")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('1h')").message("must be between 1s and 1h"))]
    pub stream_idle: Duration,
    /// For the whole call: 1s to 24h.
    #[serde(default = "total")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('24h')").message("must be between 1s and 24h"))]
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: connect(), first_byte: first_byte(), stream_idle: stream_idle(), total: total() }
    }
}

fn connect() -> Duration {
    Duration::new("2s")
}

fn first_byte() -> Duration {
    Duration::new("120s")
}

fn stream_idle() -> Duration {
    Duration::new("60s")
}

fn total() -> Duration {
    Duration::new("10m")
}

/// What the operator tells about a ModelProvider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ModelProviderStatus {
    /// What is told about objects of every kind.
    #[serde(flatten)]
    pub common: Status,
    /// The credential that proxies use. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<CredentialStatus>,
}

/// The credential that proxies use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct CredentialStatus {
    /// Keyed hash of its value, which tells a rotation and not the value.
    #[schemars(length(min = 1, max = 128))]
    pub hash: String,
}
