//! What the compiler has to say about one object.

use std::fmt;

use serde::Serialize;

use crate::hash::Hash;

/// What the compiler has to say about one object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostics {
    /// The generation that was looked at.
    pub generation: i64,
    /// Everything that is wrong, sorted; the first of a condition decides its reason.
    pub problems: Vec<Problem>,
    /// Remarks that make nothing wrong, for the message of Accepted.
    pub notes: Vec<String>,
    /// Set where something older or less than the object asks for is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degraded: Option<Degraded>,
    /// What is served of the object; absent = nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serving: Option<Serving>,
}

/// What is served of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Serving {
    /// The generation that the entry comes from.
    pub generation: i64,
    /// The hash of the entry.
    pub hash: Hash,
}

/// One thing that is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The condition that it makes false.
    pub condition: Condition,
    /// Why, in one word.
    pub reason: Reason,
    /// The field, for instance `spec.targets[0].providerRef`; empty = the whole object.
    pub path: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// A condition that the compiler decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Condition {
    /// The object is valid in itself.
    Accepted,
    /// Every reference exists and has its key.
    ResolvedRefs,
}

/// Why a condition is false.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Reason {
    /// A rule of its kind is broken.
    Invalid,
    /// Another object has a name that this one claims.
    Conflicted,
    /// It does not decode as its kind.
    DecodeError,
    /// A Secret is missing.
    SecretNotFound,
    /// A Secret lacks a key.
    SecretKeyNotFound,
    /// The value of a Secret cannot be used.
    InvalidSecret,
    /// A ModelProvider is missing, or not accepted.
    ProviderNotFound,
    /// A reference into another namespace that does not admit it, or where there is nothing.
    RefNotPermitted,
}

/// In which way less than the object is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Degraded {
    /// An older content, or an older credential.
    ServingLastGood,
    /// Only some of the targets.
    PartialTargets,
}

/// The state of one condition, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionState {
    /// `Accepted`, `ResolvedRefs` or `Degraded`.
    #[serde(rename = "type")]
    pub name: &'static str,
    /// Whether it is true.
    pub status: bool,
    /// Why, in one word.
    pub reason: String,
    /// Why, in sentences; may be empty.
    pub message: String,
}

impl Problem {
    pub(crate) fn invalid(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            condition: Condition::Accepted,
            reason: Reason::Invalid,
            path: path.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Condition {
    fn name(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::ResolvedRefs => "ResolvedRefs",
        }
    }
}

impl Diagnostics {
    /// Tells whether the object is valid in itself.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.problems.iter().all(|problem| problem.condition != Condition::Accepted)
    }

    /// Lists the conditions of the object: Accepted, ResolvedRefs, and Degraded where it holds.
    #[must_use]
    pub fn conditions(&self) -> Vec<ConditionState> {
        let mut conditions =
            vec![self.condition(Condition::Accepted), self.condition(Condition::ResolvedRefs)];
        if let Some(degraded) = self.degraded {
            let reason = format!("{degraded:?}");
            conditions.push(ConditionState {
                name: "Degraded",
                status: true,
                reason,
                message: String::new(),
            });
        }
        conditions
    }

    fn condition(&self, condition: Condition) -> ConditionState {
        let name = condition.name();
        let problems: Vec<_> =
            self.problems.iter().filter(|problem| problem.condition == condition).collect();
        let mut message: Vec<_> = problems.iter().map(ToString::to_string).collect();
        if condition == Condition::Accepted {
            message.extend(self.notes.iter().cloned());
        }
        let reason =
            problems.first().map_or_else(|| name.to_owned(), |problem| format!("{:?}", problem.reason));
        ConditionState { name, status: problems.is_empty(), reason, message: message.join("; ") }
    }
}
