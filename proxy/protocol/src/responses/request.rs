//! `POST /v1/responses`: the request after its checks.

mod include;
mod input;
mod options;
mod parse;
mod tools;

use serde_json::Value;

use crate::Object;
use crate::responses::item::Item;
use crate::responses::response::{Metadata, ReasoningConfig, TextConfig, Truncation};
use crate::responses::tool::{Tool, ToolChoice};

pub use include::Include;
pub use input::items;
pub use options::metadata;
pub use parse::parse;

pub(crate) use options::json_schema;
pub(crate) use parse::parse_optional;
pub(crate) use tools::{check_labels, is_server_type, tool, tool_choice};

/// A checked request. Input is normalised; ids that the caller did not name are empty.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateResponse {
    /// The name as the caller wrote it.
    pub model: String,
    /// The caller's items; empty where only earlier state is continued.
    pub input: Vec<Item>,
    /// Put in front of everything, for this turn only.
    pub instructions: Option<String>,
    /// Continues this response.
    pub previous_response_id: Option<String>,
    /// Runs on this conversation.
    pub conversation: Option<String>,
    /// `{id, version, variables}`.
    pub prompt: Option<Object>,
    /// The tools on offer, as they are echoed.
    pub tools: Vec<Tool>,
    /// The choice among them.
    pub tool_choice: ToolChoice,
    /// Whether one generation may hold several calls; true unless given.
    pub parallel_tool_calls: Option<bool>,
    /// Server-run calls of this response.
    pub max_tool_calls: Option<u64>,
    /// Over all generations.
    pub max_output_tokens: Option<u64>,
    /// 0 to 2.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// −2 to 2.
    pub presence_penalty: Option<f64>,
    /// −2 to 2.
    pub frequency_penalty: Option<f64>,
    /// 0 to 20.
    pub top_logprobs: Option<u8>,
    /// What to do when the context is too long.
    pub truncation: Truncation,
    /// How the model reasons.
    pub reasoning: ReasoningConfig,
    /// What the text looks like.
    pub text: TextConfig,
    /// What to show that is otherwise hidden.
    pub include: Vec<Include>,
    /// Whether it can be read later; true unless given.
    pub store: bool,
    /// Whether it runs apart from the connection.
    pub background: bool,
    /// Whether the answer is a stream of events.
    pub stream: bool,
    /// Whether delta events are padded; true unless given.
    pub include_obfuscation: bool,
    /// Extension: progress events of server tools.
    pub include_tool_events: bool,
    /// The caller's labels.
    pub metadata: Metadata,
    /// A hint.
    pub service_tier: Option<String>,
    /// Forwarded.
    pub safety_identifier: Option<String>,
    /// Forwarded.
    pub prompt_cache_key: Option<String>,
    /// Forwarded where known.
    pub prompt_cache_retention: Option<String>,
    /// Forwarded.
    pub user: Option<String>,
    /// Known fields that only a native Responses upstream understands.
    pub native: Object,
    /// Names of unknown top-level keys, which are ignored.
    pub unknown: Vec<String>,
    /// `{type:"compaction",…}` entries.
    pub context_management: Option<Value>,
}

impl Default for CreateResponse {
    /// An empty request with the values that absent fields have.
    fn default() -> Self {
        Self {
            model: String::new(),
            input: Vec::new(),
            instructions: None,
            previous_response_id: None,
            conversation: None,
            prompt: None,
            tools: Vec::new(),
            tool_choice: ToolChoice::default(),
            parallel_tool_calls: None,
            max_tool_calls: None,
            max_output_tokens: None,
            temperature: None,
            top_p: None,
            presence_penalty: None,
            frequency_penalty: None,
            top_logprobs: None,
            truncation: Truncation::default(),
            reasoning: ReasoningConfig::default(),
            text: TextConfig::default(),
            include: Vec::new(),
            store: true,
            background: false,
            stream: false,
            include_obfuscation: true,
            include_tool_events: false,
            metadata: Metadata::new(),
            service_tier: None,
            safety_identifier: None,
            prompt_cache_key: None,
            prompt_cache_retention: None,
            user: None,
            native: Object::new(),
            unknown: Vec::new(),
            context_management: None,
        }
    }
}

#[cfg(test)]
mod tests;
