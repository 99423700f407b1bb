//! One rule of a ToolPolicy.

#![expect(unreachable_pub, reason = "the derived schema copies each public struct into a function")]

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Action;
use crate::reference::ObjectRef;
use crate::tenant::ServiceAccount;

/// One rule: calls that fit all it says are treated as it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(
    validation = Rule::new("self.action != 'Allow' || has(self.tools)").message("an Allow rule must name its tools"),
    validation = Rule::new("!has(self.limits) || self.action != 'Deny'").message("limits do not go with action: Deny")
)]
pub struct PolicyRule {
    /// Name of the rule within its policy.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// Who calls: any of these. Where absent: everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub subjects: Option<Vec<Subject>>,
    /// Which tools are called. Where absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<ToolChoice>,
    /// A CEL expression that must hold, over `args`, `tool.name`, `tool.server`, `tool.type`, `tool.annotations`, `tenant`,
    /// `subject.kind`, `subject.name`, `subject.claims`, `request.headers` and `context.untrusted`. One that cannot be
    /// evaluated denies the call: ask `has(args.x)` before `args.x` where an argument is optional. Where absent: it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub when: Option<String>,
    /// What happens to the call.
    pub action: Action,
    /// How often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<RuleLimits>,
}

/// Some callers: exactly one of claim, apiKeyRef, serviceAccount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("[has(self.claim), has(self.apiKeyRef), has(self.serviceAccount)].filter(x, x).size() == 1").message("exactly one of claim, apiKeyRef, serviceAccount"))]
pub struct Subject {
    /// Whose token has a claim with one of some values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimRef>,
    /// Who has an APIKey.
    #[serde(rename = "apiKeyRef", default, skip_serializing_if = "Option::is_none")]
    pub api_key_ref: Option<ObjectRef>,
    /// Who runs as a ServiceAccount.
    #[serde(rename = "serviceAccount", default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<ServiceAccount>,
}

/// A claim of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ClaimRef {
    /// Name of an entry of `authentication.jwt` of the gateway.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub issuer: String,
    /// Name of the claim.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
    /// Values, one of which it must have; of a list, one of its members.
    #[schemars(length(min = 1, max = 32), inner(length(min = 1, max = 256)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub values: Vec<String>,
}

/// Which tools: all that is given must fit. In patterns `*` matches any run of characters, and nothing else is special.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("has(self.names) || has(self.servers) || has(self.types) || has(self.annotations)").message("at least one of names, servers, types, annotations"))]
pub struct ToolChoice {
    /// Names of tools at their server; of built-in tools, their types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), inner(length(min = 1, max = 128)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub names: Option<Vec<String>>,
    /// Labels of servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), inner(length(min = 1, max = 128)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub servers: Option<Vec<String>>,
    /// Types of tools. The list is open: more values may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 5))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub types: Option<Vec<ToolType>>,
    /// What tools are like. What a server says counts with `trustAnnotations` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 4))]
    #[x_kube(validation = Rule::new("self.all(k, k in ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'])").message("unknown annotation"))]
    pub annotations: Option<BTreeMap<String, bool>>,
}

/// A type of tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ToolType {
    /// A tool of an MCP server.
    #[serde(rename = "MCP")]
    Mcp,
    /// `file_search`.
    FileSearch,
    /// `web_search`.
    WebSearch,
    /// `image_generation`.
    ImageGeneration,
    /// `think`.
    Think,
}

/// How often calls that a rule is about may run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct RuleLimits {
    /// Calls of one response.
    #[serde(rename = "maxCallsPerResponse", default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_calls_per_response: Option<i32>,
    /// Calls of one tenant in any minute, in each process.
    #[serde(rename = "callsPerMinute", default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub calls_per_minute: Option<i32>,
}
