//! What was decided about a call, and why.

use std::fmt;

use rules::Failure;
use serde::Serialize;

use super::result::ResultRules;

/// What was decided about a call.
#[derive(Clone, Debug)]
pub struct Ruling {
    /// Whether it runs.
    pub decision: Decision,
    /// How often calls like it may run. They are counted where the call runs, also after an approval.
    pub limits: Vec<Limit>,
    /// What of its result is passed on.
    pub result: ResultRules,
    /// What to write into the audit log.
    pub audit: Audit,
}

/// Whether a call runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It runs.
    Allow,
    /// It runs once a person has approved it.
    RequireApproval {
        /// What asks for it.
        rule: String,
    },
    /// It does not run.
    Deny {
        /// What denies it.
        rule: String,
        /// Why.
        reason: Reason,
    },
}

/// Why a call is decided as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Reason {
    /// A rule is about it.
    Rule,
    /// No rule is about it.
    Default,
    /// Content that nobody vouches for is in context.
    Taint,
    /// The terms of the server.
    Server,
    /// The request itself.
    Request,
    /// An expression asks for a member that is not there.
    MissingMember,
    /// An expression has no answer for another reason.
    NoAnswer,
    /// An expression would take too long.
    TooCostly,
}

/// How often calls that a rule is about may run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Limit {
    /// The rule.
    pub rule: String,
    /// Calls of one response.
    pub per_response: Option<u32>,
    /// Calls of one tenant in any minute.
    pub per_minute: Option<u32>,
}

/// Who wanted what, and what became of it. It holds no argument, no result and no credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// The tenant of the caller.
    pub tenant: String,
    /// The name of the caller's credential; empty if there is none.
    pub subject: String,
    /// The type of the tool.
    pub kind: &'static str,
    /// The label of its server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Its name.
    pub tool: String,
    /// What decided: `<namespace>/<policy>#<rule>`, `<namespace>/<policy>`, `server` or `request`; absent where nothing was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What was decided.
    pub outcome: Outcome,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// SHA-256 of the arguments in canonical JSON, in hexadecimal digits.
    pub arguments: String,
}

/// What was decided, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The call runs.
    Allowed,
    /// A person is asked.
    ApprovalRequired,
    /// The call does not run.
    Denied,
}

impl Reason {
    pub(super) fn of(failure: Failure) -> Self {
        match failure {
            Failure::NoSuchKey => Self::MissingMember,
            Failure::TooCostly => Self::TooCostly,
            Failure::Type | Failure::NotBoolean | Failure::Other => Self::NoAnswer,
        }
    }
}

/// In words that a model may read.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rule => "a rule of the tool policy forbids it",
            Self::Default => "no rule of the tool policy allows it",
            Self::Taint => "untrusted content is in context",
            Self::Server => "the server does not offer it here",
            Self::Request => "the request does not allow it",
            Self::MissingMember => "the tool policy asks for an argument that is missing",
            Self::NoAnswer => "the tool policy cannot judge these arguments",
            Self::TooCostly => "the arguments are too large for the tool policy",
        })
    }
}

impl Decision {
    /// In one word.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Allow => Outcome::Allowed,
            Self::RequireApproval { .. } => Outcome::ApprovalRequired,
            Self::Deny { .. } => Outcome::Denied,
        }
    }
}
