//! Model: a public model name and where its calls go.

#![expect(unreachable_pub, reason = "the derived schema copies each public struct into a function")]

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::Duration;
use crate::reference::ObjectRef;
use crate::status::Status;

/// A public model name: its targets with weight and priority, retries, what it accepts, and defaults of its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "fairlead.dev",
    version = "v1alpha1",
    kind = "Model",
    root = "ModelResource",
    plural = "models",
    shortname = "rmodel",
    category = "fairlead",
    namespaced,
    doc = "A public model name: its targets with weight and priority, retries, what it accepts, and defaults of its parameters.",
    status = "Status",
    selectable = ".spec.modelName",
    printcolumn = r#"{"name":"Model","type":"string","jsonPath":".status.effective.name"}"#,
    printcolumn = r#"{"name":"Type","type":"string","jsonPath":".spec.type"}"#,
    printcolumn = r#"{"name":"Accepted","type":"string","jsonPath":".status.conditions[?(@.type==\"Accepted\")].status"}"#,
    printcolumn = r#"{"name":"Refs","type":"string","jsonPath":".status.conditions[?(@.type==\"ResolvedRefs\")].status"}"#,
    printcolumn = r#"{"name":"Programmed","type":"string","jsonPath":".status.conditions[?(@.type==\"Programmed\")].status"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[x_kube(
    validation = Rule::new("self.targets.exists(t, t.priority == 0)")
        .message("at least one target must have priority 0"),
    validation = Rule::new("!has(self.aliases) || !has(self.modelName) || !(self.modelName in self.aliases)")
        .message("aliases must not repeat modelName")
)]
pub struct Model {
    /// The gateways that serve this model. Where absent: every gateway of the object's own namespace.
    #[serde(rename = "gatewayRefs", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub gateway_refs: Option<Vec<ObjectRef>>,

    /// What clients send as `model`. Where absent: the name of the object. No `@` and no space.
    #[serde(rename = "modelName", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[^@\s]+$"))]
    pub model_name: Option<String>,

    /// Further names that clients may send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 128), regex(pattern = r"^[^@\s]+$")))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub aliases: Option<Vec<String>>,

    /// What the model does. The list is open: more values may come.
    #[serde(rename = "type", default)]
    pub kind: ModelType,

    /// Where calls may go.
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["name".into()]),
        validation = Rule::new("self.all(t, self.exists(u, u.priority == t.priority && u.weight > 0))")
            .message("each priority needs a target with weight > 0")
    )]
    pub targets: Vec<Target>,

    /// When and how a failed call is tried again, always before its first output event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,

    /// What the model is known to accept. A request that asks for what is `false` here is refused with a clear error;
    /// what is absent is unknown and passed through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,

    /// Parameters for requests that are silent about them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defaults: Option<Defaults>,
}

/// What a model does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ModelType {
    /// It generates text, by the Responses and Chat Completions APIs.
    #[default]
    Chat,
    /// It makes vectors, by the Embeddings API.
    Embedding,
    /// It makes images, for the tool `image_generation`, by the Images API.
    Image,
}

/// One place where calls may go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Target {
    /// Name of the target within its model.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// The ModelProvider to call.
    #[serde(rename = "providerRef")]
    pub provider_ref: ObjectRef,
    /// Name of the model at that provider.
    #[serde(rename = "upstreamModel")]
    #[schemars(length(min = 1, max = 256))]
    pub upstream_model: String,
    /// The lowest priority with a usable target wins.
    #[serde(default)]
    #[schemars(range(min = 0, max = 15))]
    pub priority: i32,
    /// Divides the calls among the targets of one priority.
    #[serde(default = "weight")]
    #[schemars(range(min = 0, max = 1000))]
    pub weight: i32,
}

fn weight() -> i32 {
    1
}

/// When and how a failed call is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Retry {
    /// Attempts in all, the first included.
    #[serde(rename = "maxAttempts", default = "max_attempts")]
    #[schemars(range(min = 1, max = 10))]
    pub max_attempts: i32,
    /// Failures that are worth another attempt. Where absent: all of them. The list is open: more values may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub reasons: Option<Vec<RetryReason>>,
    /// How long to wait between attempts. A `retry-after` of the provider is honoured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
}

impl Default for Retry {
    fn default() -> Self {
        Self { max_attempts: max_attempts(), reasons: None, backoff: None }
    }
}

fn max_attempts() -> i32 {
    3
}

/// A failure that is worth another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum RetryReason {
    /// No connection came about.
    ConnectFailure,
    /// The provider did not answer in time.
    Timeout,
    /// The provider answered 429.
    RateLimited,
    /// The provider answered 500, 502, 503, 504 or 529.
    ServerError,
}

impl RetryReason {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::ConnectFailure, Self::Timeout, Self::RateLimited, Self::ServerError];
}

/// How long to wait between attempts: exponential, with full jitter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("duration(self.base) <= duration(self.max)").message("base must not be greater than max"))]
pub struct Backoff {
    /// Upper bound of the first wait: 10ms to 10s.
    #[serde(default = "base")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('10ms') && duration(self) <= duration('10s')").message("must be between 10ms and 10s"))]
    pub base: Duration,
    /// Upper bound of every wait: 10ms to 60s.
    #[serde(default = "max")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('10ms') && duration(self) <= duration('60s')").message("must be between 10ms and 60s"))]
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: base(), max: max() }
    }
}

fn base() -> Duration {
    Duration::new("100ms")
}

fn max() -> Duration {
    Duration::new("5s")
}

/// What a model is known to accept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Capabilities {
    /// Function tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<bool>,
    /// Images as input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vision: Option<bool>,
    /// Output that follows a JSON schema.
    #[serde(rename = "jsonSchema", default, skip_serializing_if = "Option::is_none")]
    pub json_schema: Option<bool>,
    /// Reasoning parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<bool>,
    /// Longest input, in tokens.
    #[serde(rename = "maxInputTokens", default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000_000))]
    pub max_input_tokens: Option<i32>,
    /// Longest output, in tokens.
    #[serde(rename = "maxOutputTokens", default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000_000))]
    pub max_output_tokens: Option<i32>,
}

/// Parameters for requests that are silent about them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Defaults {
    /// Sampling temperature, as a decimal string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16), regex(pattern = r"^(0|[1-9][0-9]*)(\.[0-9]+)?$"))]
    pub temperature: Option<String>,
    /// Nucleus sampling, as a decimal string.
    #[serde(rename = "topP", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16), regex(pattern = r"^(0|[1-9][0-9]*)(\.[0-9]+)?$"))]
    pub top_p: Option<String>,
    /// Longest output, in tokens.
    #[serde(rename = "maxOutputTokens", default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000_000))]
    pub max_output_tokens: Option<i32>,
}
