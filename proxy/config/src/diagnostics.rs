//! What the compiler has to say about one object.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::delivery::Mismatches;
use crate::hash::Hash;
use crate::id::GatewayId;

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
    /// How the object stands at each gateway that it names or attaches to; empty for gateways themselves.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub gateways: BTreeMap<GatewayId, Attachment>,
}

/// How an object stands at one gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// Everything that is wrong there, sorted.
    pub problems: Vec<Problem>,
    /// Remarks that make nothing wrong.
    pub notes: Vec<String>,
    /// Set where something older or less than the object asks for is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degraded: Option<Degraded>,
    /// What is served of the object there; absent = nothing.
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
    /// The object is valid in itself and attached to a gateway.
    Accepted,
    /// Every reference exists and has its key.
    ResolvedRefs,
}

/// Why a condition is false.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Reason {
    /// A rule of its kind is broken.
    Invalid,
    /// No gateway that it names, or could attach to by itself, exists.
    NoMatchingGateway,
    /// The gateway does not admit objects of its namespace.
    NotAllowedByGateway,
    /// The gateway tells no tenants apart.
    TenancyDisabled,
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
    /// A ConfigMap is missing.
    ConfigMapNotFound,
    /// A ConfigMap lacks a key.
    ConfigMapKeyNotFound,
    /// The value of a ConfigMap cannot be used.
    InvalidConfigMap,
    /// A ModelProvider is missing, or not accepted.
    ProviderNotFound,
    /// A Tenant, what a policy is about, or what a built-in tool uses is missing, not accepted, or of another type.
    TargetNotFound,
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
    /// Makes Accepted false, for a reason that is none of the object's own content.
    pub(crate) fn unaccepted(reason: Reason, path: impl Into<String>, message: String) -> Self {
        Self { condition: Condition::Accepted, reason, path: path.into(), message }
    }

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

impl Reason {
    /// Tells whether it keeps an object from a gateway altogether.
    fn is_refusal(self) -> bool {
        matches!(self, Self::NoMatchingGateway | Self::NotAllowedByGateway | Self::TenancyDisabled)
    }
}

impl Diagnostics {
    /// Tells whether the object is valid in itself and attached to a gateway.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.problems.iter().all(|problem| problem.condition != Condition::Accepted)
    }

    /// Lists the conditions of the object: Accepted, ResolvedRefs, and Degraded where it holds.
    #[must_use]
    pub fn conditions(&self) -> Vec<ConditionState> {
        conditions(&self.problems, &self.notes, self.degraded)
    }

    /// Lists the conditions of the object at one of its gateways: what is wrong there, and what is wrong everywhere.
    #[must_use]
    pub fn conditions_at(&self, attachment: &Attachment) -> Vec<ConditionState> {
        let is_elsewhere =
            |problem: &&Problem| self.gateways.values().any(|other| other.problems.contains(problem));
        let own = self.problems.iter().filter(|problem| !is_elsewhere(problem)).cloned();
        let mut problems: Vec<_> = attachment.problems.iter().cloned().chain(own).collect();
        problems.sort();
        conditions(&problems, &attachment.notes, attachment.degraded)
    }

    /// Lists the same where tools may not be as their pins say, which makes an object Degraded too. What was decided without
    /// looking at them is the reason; the message has both.
    #[must_use]
    pub fn conditions_with(&self, mismatches: &Mismatches) -> Vec<ConditionState> {
        let (mut conditions, found) = (self.conditions(), mismatches.condition());
        match (conditions.iter_mut().find(|known| known.name == "Degraded"), found) {
            (Some(known), Some(found)) => known.message = found.message,
            (None, Some(found)) => conditions.push(found),
            (_, None) => {}
        }
        conditions
    }

    /// Adds how the object stands at a gateway.
    pub(crate) fn add(&mut self, attachment: &Attachment) {
        self.problems.extend(attachment.problems.iter().cloned());
        self.notes.extend(attachment.notes.iter().cloned());
        self.degraded = self.degraded.into_iter().chain(attachment.degraded).min();
        self.serving = self.serving.or(attachment.serving);
    }

    /// Draws the sum over all gateways: the worst of each condition. Who is refused by one of several gateways is told so, and is
    /// accepted all the same.
    pub(crate) fn conclude(&mut self) {
        let gateways = std::mem::take(&mut self.gateways);
        let is_attached = gateways.values().any(|attachment| !attachment.is_refused());
        for attachment in gateways.values() {
            if is_attached && attachment.is_refused() {
                self.notes.extend(attachment.problems.iter().map(ToString::to_string));
            } else {
                self.add(attachment);
            }
        }
        self.gateways = gateways;
        self.problems.sort();
        self.problems.dedup();
        let mut seen = BTreeSet::new();
        self.notes.retain(|note| seen.insert(note.clone()));
    }
}

impl Attachment {
    /// Tells whether the object is kept from the gateway.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.problems.iter().any(|problem| problem.reason.is_refusal())
    }
}

fn conditions(problems: &[Problem], notes: &[String], degraded: Option<Degraded>) -> Vec<ConditionState> {
    let accepted = condition(Condition::Accepted, problems, notes);
    let degraded = degraded.map(|degraded| ConditionState {
        name: "Degraded",
        status: true,
        reason: format!("{degraded:?}"),
        message: String::new(),
    });
    [accepted, condition(Condition::ResolvedRefs, problems, &[])].into_iter().chain(degraded).collect()
}

fn condition(condition: Condition, problems: &[Problem], notes: &[String]) -> ConditionState {
    let name = condition.name();
    let problems: Vec<_> = problems.iter().filter(|problem| problem.condition == condition).collect();
    let message: Vec<_> = problems.iter().map(ToString::to_string).chain(notes.iter().cloned()).collect();
    let reason = problems.first().map_or_else(|| name.to_owned(), |problem| format!("{:?}", problem.reason));
    ConditionState { name, status: problems.is_empty(), reason, message: message.join("; ") }
}
