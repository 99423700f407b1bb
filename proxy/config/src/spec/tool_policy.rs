//! What the entry of a ToolPolicy says.

use std::collections::{BTreeMap, BTreeSet};

use crds::tool_policy::{Action, Taint, ToolType};
use serde::{Deserialize, Serialize};

use super::Subject;
use crate::id::EntryId;

/// Who may call which tool with which arguments, and what of the result is passed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicySpec {
    /// Names the policy, as `<namespace>/<name>`, for audit lines.
    pub name: String,
    /// What it is about, as far as that is in the snapshot; never empty.
    pub targets: BTreeSet<PolicyTarget>,
    /// What happens to a call that no rule is about.
    pub default_action: Action,
    /// What else happens to calls of tools that are not read-only once content that nobody vouches for is in context.
    pub taint: Taint,
    /// Every rule that is about a call counts, and the strictest decides. Sorted by name.
    pub rules: Vec<PolicyRule>,
    /// Longest result that a model sees, in bytes; absent = what the server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_bytes: Option<u32>,
    /// What is replaced in results, before they are cut. Sorted by name.
    pub redactions: Vec<PolicyRedaction>,
}

/// What a policy is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PolicyTarget {
    /// Every call.
    Gateway,
    /// Calls of the callers of a tenant.
    Tenant(String),
    /// Calls of the tools of an MCP server, by its entry.
    Server(EntryId),
}

/// One rule of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyRule {
    /// Its name within the policy.
    pub name: String,
    /// Who calls: any of these; absent = everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subjects: Option<Vec<PolicySubject>>,
    /// Which tools are called; absent = any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<ToolChoice>,
    /// A CEL expression that was checked; absent = it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// What happens to the call.
    pub action: Action,
    /// Calls of one response; absent = any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_response: Option<u32>,
    /// Calls of one tenant in any minute; absent = any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_minute: Option<u32>,
}

/// Some callers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PolicySubject {
    /// Who has the key of this entry.
    Key(EntryId),
    /// Whose token says so.
    Token(Subject),
}

/// Which tools: all that is given must fit. In the patterns `*` matches any run of characters, and nothing else is special.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolChoice {
    /// Patterns of names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<BTreeSet<String>>,
    /// Patterns of the labels of servers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub servers: Option<BTreeSet<String>>,
    /// Types.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub types: Option<BTreeSet<ToolType>>,
    /// `readOnlyHint`, `destructiveHint`, `idempotentHint`, `openWorldHint`, as they must be.
    pub annotations: BTreeMap<String, bool>,
}

/// Something that no model is to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyRedaction {
    /// A regular expression that was checked.
    pub pattern: String,
    /// What takes the place of its matches.
    pub replacement: String,
}
