//! ToolPolicy: who may call which tool with which arguments.

#![expect(unreachable_pub, reason = "the derived schema copies each public struct into a function")]

mod rule;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::status::Status;

pub use rule::{ClaimRef, PolicyRule, RuleLimits, Subject, ToolChoice, ToolType};

/// Who may call which tool with which arguments, and what of the result is passed on. Of several policies the strictest counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "fairlead.dev",
    version = "v1alpha1",
    kind = "ToolPolicy",
    root = "ToolPolicyResource",
    plural = "toolpolicies",
    shortname = "rtp",
    category = "fairlead",
    namespaced,
    doc = "Who may call which tool with which arguments, and what of the result is passed on. Of several policies the strictest counts.",
    status = "Status",
    printcolumn = r#"{"name":"Default","type":"string","jsonPath":".spec.defaultAction"}"#,
    printcolumn = r#"{"name":"Accepted","type":"string","jsonPath":".status.conditions[?(@.type==\"Accepted\")].status"}"#,
    printcolumn = r#"{"name":"Refs","type":"string","jsonPath":".status.conditions[?(@.type==\"ResolvedRefs\")].status"}"#,
    printcolumn = r#"{"name":"Programmed","type":"string","jsonPath":".status.conditions[?(@.type==\"Programmed\")].status"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
pub struct ToolPolicy {
    /// What the policy is about, in its own namespace. It is served wherever one of these is.
    #[serde(rename = "targetRefs")]
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["kind".into(), "name".into()]))]
    pub target_refs: Vec<TargetRef>,

    /// What happens to a call that no rule is about.
    #[serde(rename = "defaultAction")]
    pub default_action: Action,

    /// What else happens to calls of tools that are not read-only once content from the web, from files or from open-world
    /// tools is in context.
    #[serde(default)]
    pub taint: Taint,

    /// Every rule that is about a call counts, and the strictest decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub rules: Option<Vec<PolicyRule>>,

    /// What of results is passed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ResultRules>,
}

/// What a policy is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct TargetRef {
    /// MCPServer: calls of its tools. Tenant: calls of its callers. ResponsesGateway: every call. The list is open: more values
    /// may come.
    pub kind: TargetKind,
    /// Name of the object.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: String,
}

/// A kind of object that a policy can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum TargetKind {
    /// Calls of the tools of an MCPServer.
    #[serde(rename = "MCPServer")]
    McpServer,
    /// Calls of the callers of a Tenant.
    Tenant,
    /// Every call at a ResponsesGateway.
    ResponsesGateway,
}

impl TargetKind {
    /// Returns the kind as objects write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::McpServer => "MCPServer",
            Self::Tenant => "Tenant",
            Self::ResponsesGateway => "ResponsesGateway",
        }
    }
}

/// What happens to a call, from the loosest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Action {
    /// It runs.
    Allow,
    /// It runs once a person has approved it.
    RequireApproval,
    /// It does not run, and the model is told.
    Deny,
}

/// What content that nobody vouches for changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Taint {
    /// Nothing.
    #[default]
    Ignore,
    /// Calls need approval.
    RequireApproval,
    /// Calls do not run.
    Deny,
}

/// What of results is passed on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ResultRules {
    /// Longest result that a model sees, in bytes. A longer one is cut, and says so. Where absent: what the server says.
    #[serde(rename = "maxBytes", default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1024, max = 16_777_216))]
    pub max_bytes: Option<i32>,
    /// What is replaced in results, before they are cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub redact: Option<Vec<Redaction>>,
}

/// Something that no model is to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Redaction {
    /// Name of the redaction within its policy.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// A regular expression in RE2 syntax; every match is replaced.
    #[schemars(length(min = 1, max = 512))]
    pub pattern: String,
    /// What takes its place, as it is written here.
    #[serde(default = "replacement")]
    #[schemars(length(max = 128))]
    pub replacement: String,
}

fn replacement() -> String {
    "[redacted]".to_owned()
}
