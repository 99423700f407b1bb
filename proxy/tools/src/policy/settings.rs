//! What configuration says of tool calls, ready to be asked.

use std::collections::BTreeSet;
use std::sync::Arc;

use rules::{Expression, Redaction};
use serde::Serialize;

use super::call::Hints;

/// What happens to a call, from the loosest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Action {
    /// It runs.
    Allow,
    /// It runs once a person has approved it.
    RequireApproval,
    /// It does not run, and the model is told.
    Deny,
}

/// One policy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Names it in audit lines, as `<namespace>/<name>`; no other policy has that name.
    pub name: String,
    /// What it is about: any of these.
    pub targets: Vec<Target>,
    /// What happens to a call that no rule is about.
    pub default: Action,
    /// What else happens to calls of tools that are not read-only once content that nobody vouches for is in context.
    pub taint: Action,
    /// Every rule that is about a call counts.
    pub rules: Vec<Rule>,
    /// Longest result that a model sees, in bytes.
    pub result_bytes: Option<usize>,
    /// What is replaced in results, in this order.
    pub redactions: Vec<Arc<Redaction>>,
}

/// What a policy is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Every call.
    Gateway,
    /// Calls of the callers of a tenant.
    Tenant(String),
    /// Calls of the tools of a server, by [`super::Server::id`].
    Server(String),
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name within the policy.
    pub name: String,
    /// Who calls: any of these; absent = everybody.
    pub subjects: Option<Vec<Subject>>,
    /// Which tools are called; absent = any.
    pub tools: Option<Choice>,
    /// What must hold; absent = nothing. Where it has no answer, the call is denied.
    pub when: Option<Arc<Expression>>,
    /// What happens to the call.
    pub action: Action,
    /// Calls of one response.
    pub calls_per_response: Option<u32>,
    /// Calls of one tenant in any minute.
    pub calls_per_minute: Option<u32>,
}

/// Some callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Who has a key, by its id.
    Key(String),
    /// Whose token of an issuer has a claim with one of some values.
    Claim {
        /// The name of the issuer.
        issuer: String,
        /// The name of the claim; `a.b` is `b` inside of `a`.
        claim: String,
        /// The values.
        values: BTreeSet<String>,
    },
    /// Who runs as a ServiceAccount.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name; absent = every one of the namespace.
        name: Option<String>,
    },
}

/// Which tools: all that is given must fit.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Patterns of names.
    pub names: Option<BTreeSet<String>>,
    /// Patterns of the labels of servers.
    pub servers: Option<BTreeSet<String>>,
    /// Types.
    pub types: Option<BTreeSet<ToolKind>>,
    /// How tools must be; what is absent does not matter.
    pub hints: Hints,
}

/// A type of tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum ToolKind {
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

/// When calls need approval, at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Floor {
    /// Always, but for the tools that fit one of these patterns.
    Always(BTreeSet<String>),
    /// Never.
    Never,
}

impl ToolKind {
    /// Its name in policies and audit lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mcp => "MCP",
            Self::FileSearch => "FileSearch",
            Self::WebSearch => "WebSearch",
            Self::ImageGeneration => "ImageGeneration",
            Self::Think => "Think",
        }
    }
}
