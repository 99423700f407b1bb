//! The response object, with every key always present.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::responses::item::Item;
use crate::responses::tool::{Tool, ToolChoice};
use crate::responses::usage::Usage;
use crate::{Object, tags};

tags! {
    /// `response`.
    ResponseTag = "response";
}

/// How far a response is. A terminal status never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for a worker (background only).
    Queued,
    /// Runs.
    InProgress,
    /// The model is done, or a client call waits for its answer.
    Completed,
    /// A limit ended it.
    Incomplete,
    /// An error ended it.
    Failed,
    /// Somebody ended it.
    Cancelled,
}

impl Status {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// True if nothing follows.
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::InProgress)
    }
}

/// At most 16 pairs; keys of at most 64 and values of at most 512 characters.
pub type Metadata = BTreeMap<String, String>;

/// A response. Serialized, `id` comes first and absent values are null.
///
/// Units: times are seconds since 1970. Source: OpenAI, Responses, the response object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// `resp_…`.
    pub id: String,
    /// The constant `response`.
    pub object: ResponseTag,
    /// When the request was accepted.
    pub created_at: i64,
    /// How far it is.
    pub status: Status,
    /// Whether it runs apart from the connection.
    pub background: bool,
    /// When it completed; null for every status but `completed`.
    pub completed_at: Option<i64>,
    /// Present exactly when failed.
    pub error: Option<ResponseError>,
    /// Present exactly when incomplete.
    pub incomplete_details: Option<IncompleteDetails>,
    /// Echo.
    pub instructions: Option<String>,
    /// Echo.
    pub max_output_tokens: Option<u64>,
    /// Echo.
    pub max_tool_calls: Option<u64>,
    /// The model that answers.
    pub model: String,
    /// Items in the order in which they began.
    pub output: Vec<Item>,
    /// Echo.
    pub parallel_tool_calls: bool,
    /// Echo.
    pub previous_response_id: Option<String>,
    /// `{"id"}` of the conversation.
    pub conversation: Option<ConversationRef>,
    /// Echo.
    pub prompt: Option<Value>,
    /// Echo.
    pub prompt_cache_key: Option<String>,
    /// Echo.
    pub prompt_cache_retention: Option<String>,
    /// Echo.
    pub reasoning: ReasoningConfig,
    /// Echo.
    pub safety_identifier: Option<String>,
    /// The tier that was used.
    pub service_tier: String,
    /// Whether it can be read later.
    pub store: bool,
    /// The effective value.
    pub temperature: f64,
    /// Echo.
    pub text: TextConfig,
    /// Echo.
    pub tool_choice: ToolChoice,
    /// Echo, without secrets.
    pub tools: Vec<Tool>,
    /// Echo.
    pub top_logprobs: u8,
    /// The effective value.
    pub top_p: f64,
    /// The effective value.
    pub presence_penalty: f64,
    /// The effective value.
    pub frequency_penalty: f64,
    /// Echo.
    pub truncation: Truncation,
    /// Null until the end.
    pub usage: Option<Usage>,
    /// Echo.
    pub user: Option<String>,
    /// Echo.
    pub metadata: Metadata,
    /// Null without a moderation provider.
    pub moderation: Option<Value>,
    /// Further fields: `billing` and `tool_usage` at the end.
    #[serde(flatten)]
    pub rest: Object,
}

/// Why a response failed. `code` is one of the closed set of OpenAI's SDKs, or `context_length_exceeded`, `insufficient_quota`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseError {
    /// One word.
    pub code: String,
    /// A sentence without remote text of 5xx answers.
    pub message: String,
}

/// Why a response is incomplete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncompleteDetails {
    /// `max_output_tokens`, `content_filter`, `max_messages` or `steered`.
    pub reason: String,
    /// The server's ceiling that was reached, with `max_messages`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
}

/// `{"id"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationRef {
    /// `conv_…`.
    pub id: String,
}

/// How the model reasons. `effort` and `summary` are always echoed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReasoningConfig {
    /// `none` to `max`.
    #[serde(default)]
    pub effort: Option<String>,
    /// `auto`, `concise` or `detailed`.
    #[serde(default)]
    pub summary: Option<String>,
    /// `context` and `mode`.
    #[serde(flatten)]
    pub rest: Object,
}

/// What the text of the model looks like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextConfig {
    /// Free text, JSON, or JSON of a schema.
    pub format: TextFormat,
    /// `low`, `medium` or `high`.
    #[serde(default = "medium")]
    pub verbosity: String,
}

impl Default for TextConfig {
    fn default() -> Self {
        Self { format: TextFormat::Text, verbosity: medium() }
    }
}

/// The format of the text; flat here, nested in Chat Completions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TextFormat {
    /// Free text.
    #[default]
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON that fits a schema.
    JsonSchema {
        /// `^[a-zA-Z0-9_-]{1,64}$`.
        name: String,
        /// What it is for.
        #[serde(default)]
        description: Option<String>,
        /// The schema.
        schema: Value,
        /// Whether the text must fit.
        #[serde(default)]
        strict: bool,
    },
}

/// What happens when the context is too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Truncation {
    /// Whole turns are dropped from the beginning.
    Auto,
    /// The request is refused.
    #[default]
    Disabled,
}

fn medium() -> String {
    "medium".to_owned()
}
