//! What the entry of a Model says.

use std::collections::BTreeSet;

use crds::model::{ModelType, RetryReason};
use serde::{Deserialize, Serialize};

use crate::id::EntryId;

/// A public model name and where its calls go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelSpec {
    /// The namespace of the object, which decides who sees it.
    pub namespace: String,
    /// The name that `/v1/models` lists.
    pub name: String,
    /// Further names that clients may send.
    pub aliases: BTreeSet<String>,
    /// What the model does.
    #[serde(rename = "type")]
    pub kind: ModelType,
    /// Where calls may go, sorted by priority, then name. Only targets whose provider is in the same snapshot;
    /// empty = the model is known and cannot be used.
    pub targets: Vec<Target>,
    /// When and how a failed call is tried again.
    pub retry: Retry,
    /// What the model is known to accept.
    pub capabilities: Capabilities,
    /// Parameters for requests that are silent about them.
    pub defaults: Defaults,
}

/// One place where calls of a model may go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The name of the target within its model.
    pub name: String,
    /// The entry of its provider.
    pub provider: EntryId,
    /// The name of the model at the provider.
    pub upstream_model: String,
    /// 0 to 15; the lowest priority with a usable target wins.
    pub priority: u8,
    /// 0 to 1000; divides the calls among the targets of one priority. 0 = none.
    pub weight: u16,
}

/// When and how a failed call is tried again, always before its first output event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// Attempts in all, the first included; at least 1.
    pub max_attempts: u8,
    /// Failures that are worth another attempt.
    pub reasons: BTreeSet<RetryReason>,
    /// How long to wait between attempts.
    pub backoff: Backoff,
}

/// An exponential wait between attempts, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backoff {
    /// Upper bound of the first wait.
    pub base_ms: u64,
    /// Upper bound of every wait.
    pub max_ms: u64,
}

/// What a model is known to accept; absent = unknown, passed through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// Function tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<bool>,
    /// Images as input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vision: Option<bool>,
    /// Output that follows a JSON schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_schema: Option<bool>,
    /// Reasoning parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<bool>,
    /// Longest input, in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_input_tokens: Option<u32>,
    /// Longest output, in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
}

/// Parameters for requests that are silent about them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Defaults {
    /// `temperature`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Decimal>,
    /// `top_p`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<Decimal>,
    /// `max_output_tokens`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
}

/// A decimal number that keeps the digits it was written with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Decimal(String);

impl Decimal {
    /// Reads a decimal, for instance `0.7`; absent if `text` is not a finite number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<f64>().ok().filter(|number| number.is_finite()).map(|_| Self(text.to_owned()))
    }

    /// Returns the nearest floating point number.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or_default()
    }
}
