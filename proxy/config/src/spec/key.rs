//! What the entry of an APIKey says.

use serde::{Deserialize, Serialize};

/// One client key, by its hashes; the key itself is nowhere in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeySpec {
    /// The name of the object, for logs and metrics.
    pub name: String,
    /// The tenant that callers with this key are.
    pub tenant: String,
    /// Who answers for it, for logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What a key must hash to: the present one first, then the one before a rotation. No other entry has one of them.
    pub hashes: Vec<KeyHash>,
    /// Whether it is refused.
    pub disabled: bool,
    /// From when on it is refused, in seconds since 1970; absent = never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

/// The hash of a key, and how long it counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyHash {
    /// SHA-256 of the key, as 64 hexadecimal digits in lower case.
    pub sha256: String,
    /// Until when it counts, in seconds since 1970; absent = as long as the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<i64>,
}
