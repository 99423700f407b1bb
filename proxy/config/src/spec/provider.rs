//! What the entry of a ModelProvider says.

use std::collections::{BTreeMap, BTreeSet};

use crds::model_provider::CallerCredentials;
use serde::{Deserialize, Serialize};

use super::Tls;
use crate::hash::Hash;
use crate::id::SecretId;

/// How to reach one upstream API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderSpec {
    /// The namespace of the object, which decides who sees it.
    pub namespace: String,
    /// The name of the object, for logs and metrics.
    pub name: String,
    /// The protocol that the upstream speaks.
    pub protocol: Protocol,
    /// An http or https URL without user info, query or trailing slash; paths such as `/chat/completions` follow it.
    pub base_url: String,
    /// The names, in lower case, by which `provider@model` may reach this provider without a Model.
    /// Empty where that is not allowed.
    pub direct_names: BTreeSet<String>,
    /// The provider's own key.
    pub credential: Credential,
    /// Whether the caller may, or must, bring a key for this provider.
    pub caller_credentials: CallerCredentials,
    /// Whether credentials, the caller's too, may travel over `http://` to hosts other than loopback.
    pub allow_plaintext_credentials: bool,
    /// Headers for every request; names are in lower case.
    pub headers: BTreeMap<String, String>,
    /// Whether the URL may lead to private addresses. Loopback is never opened by this.
    pub allow_private_endpoint: bool,
    /// How TLS connections are checked.
    #[serde(default, skip_serializing_if = "Tls::is_default")]
    pub tls: Tls,
    /// Limits of time for one call.
    pub timeouts: Timeouts,
    /// Retries allowed in percent of the calls, 0 to 100.
    pub retry_budget_percent: u8,
}

/// The protocol of an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Protocol {
    /// OpenAI's, or a compatible one.
    OpenAi(OpenAiSpec),
}

/// What an upstream with OpenAI's protocol needs to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenAiSpec {
    /// The API that generates.
    pub api: WireApi,
    /// Value of the header `openai-organization`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Value of the header `openai-project`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

/// The API by which an upstream with OpenAI's protocol generates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WireApi {
    /// `POST /responses`, one turn at a time.
    Responses,
    /// `POST /chat/completions`.
    ChatCompletions,
}

/// The key that Fairlead itself holds for a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Credential {
    /// None is configured: calls carry none, or the caller's.
    None,
    /// One is configured and known.
    Key {
        /// Where its value lies in the secrets of the snapshot; always present there.
        secret: SecretId,
        /// The keyed hash of its value, so that a rotation changes the entry.
        hash: Hash,
        /// Where requests carry it.
        placement: Placement,
    },
    /// One is configured and its value is missing: calls that would need it must fail.
    Missing,
}

/// Where a request carries a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Placement {
    /// `authorization: Bearer <value>`.
    Bearer,
    /// The value alone, in the header of this name (lower case).
    Header(String),
}

/// Limits of time for one call, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeouts {
    /// To connect, TLS included.
    pub connect_ms: u64,
    /// From the request sent to the head of the answer.
    pub first_byte_ms: u64,
    /// Between two pieces of the answer.
    pub stream_idle_ms: u64,
    /// For the whole call.
    pub total_ms: u64,
}
