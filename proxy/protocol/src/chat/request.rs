//! `POST /v1/chat/completions`: the request after its checks, with its JSON kept whole.

mod messages;
mod options;
mod tools;

use serde_json::Value;

use crate::Object;
use crate::error::ApiError;
use crate::read::{self, Fields, Path};
use crate::responses::request::metadata;
use crate::responses::response::Metadata;
use crate::responses::tool::Tool;

pub use options::Options;

/// A checked request. `raw` is what goes to an upstream; the other fields are what the server itself acts on.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// The name as the caller wrote it.
    pub model: String,
    /// Whether the answer is a stream.
    pub stream: bool,
    /// Whether the stream ends with a chunk of usage.
    pub include_usage: bool,
    /// Whether chunks are padded; true unless given.
    pub include_obfuscation: bool,
    /// Whether the completion is kept; false unless given.
    pub store: bool,
    /// The caller's labels; kept only with `store`.
    pub metadata: Metadata,
    /// How many choices: 1 to 128.
    pub n: u64,
    /// Tools that the server runs, as in the Responses API.
    pub server_tools: Vec<Tool>,
    /// All other tools, the deprecated `functions` included, in the flat form of the Responses API.
    pub client_tools: Vec<Tool>,
    /// Whether the caller uses `functions`, so that calls are answered as `function_call`.
    pub is_legacy: bool,
    /// Everything else that a turn needs.
    pub options: Options,
    /// The whole request; tools that the server runs stand here as they may be shown, without credentials.
    pub raw: Object,
}

impl ChatRequest {
    /// The messages, oldest first; at least one, each an object with a known role.
    pub fn messages(&self) -> &[Value] {
        self.raw.get("messages").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

/// Parses and checks a body.
///
/// Errors: 400 in OpenAI's words for the first fault in the order JSON, `model`, `messages`, tools, metadata, the rest.
pub fn parse(body: &[u8]) -> Result<ChatRequest, ApiError> {
    let mut raw = read::object(body)?;
    let messages = raw.get_mut("messages").map(Value::take).filter(|messages| !messages.is_null());
    let mut fields = Fields::new(Value::Object(raw.clone()), Path::Root)?;
    let model = model(&mut fields)?;
    let messages = messages.ok_or_else(|| fields.missing("messages"))?;
    messages::check(&messages)?;
    raw.insert("messages".to_owned(), messages);
    read_rest(fields, model, raw)
}

fn model(fields: &mut Fields<'_>) -> Result<String, ApiError> {
    let model = fields.required_string("model")?;
    if model.is_empty() {
        return Err(ApiError::invalid_value("model", "you must provide a model parameter."));
    }
    Ok(model)
}

fn read_rest(mut fields: Fields<'_>, model: String, mut raw: Object) -> Result<ChatRequest, ApiError> {
    let is_legacy = fields.has("functions");
    let (server_tools, client_tools) = tools::tools(&mut fields)?;
    tools::conceal(&mut raw, &server_tools);
    let metadata = metadata(&mut fields)?;
    let n = fields.integer("n", 1, 128)?.and_then(|n| u64::try_from(n).ok()).unwrap_or(1);
    let store = fields.boolean("store")?.unwrap_or(false);
    let stream = fields.boolean("stream")?.unwrap_or(false);
    let (mut include_usage, mut include_obfuscation) = (false, true);
    if let Some(mut options) = fields.fields("stream_options")? {
        include_usage = options.boolean("include_usage")?.unwrap_or(false);
        include_obfuscation = options.boolean("include_obfuscation")?.unwrap_or(true);
    }
    let options = options::options(&mut fields, &server_tools, &client_tools)?;
    Ok(ChatRequest {
        model,
        stream,
        include_usage,
        include_obfuscation,
        store,
        metadata,
        n,
        server_tools,
        client_tools,
        is_legacy,
        options,
        raw,
    })
}

#[cfg(test)]
mod tests;
