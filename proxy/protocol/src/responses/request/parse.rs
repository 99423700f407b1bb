//! The order of the checks: first failure wins.

use serde_json::Value;

use crate::Object;
use crate::error::{ApiError, INVALID_REQUEST};
use crate::read::{self, Fields, Path};
use crate::responses::request::include::include;
use crate::responses::request::input::input;
use crate::responses::request::options::{metadata, reasoning, text};
use crate::responses::request::tools::{tool_choice, tools};
use crate::responses::request::{CreateResponse, options};
use crate::responses::response::Truncation;

/// Every key that the API knows, sorted.
const KNOWN: &[&str] = &[
    "access_programs",
    "background",
    "background_options",
    "client_metadata",
    "context_management",
    "conversation",
    "frequency_penalty",
    "image",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "presence_penalty",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// Known keys that are forwarded as they are, to upstreams that speak the same API.
const NATIVE: &[&str] = &[
    "access_programs",
    "background_options",
    "client_metadata",
    "image",
    "moderation",
    "prompt_cache_options",
];

const TRUNCATION: &[(&str, Truncation)] = &[("auto", Truncation::Auto), ("disabled", Truncation::Disabled)];
const TIERS: &[&str] = &["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"];
const RETENTION: &[&str] = &["in_memory", "in-memory", "24h"];

/// Parses and checks a body. `model` may be absent where `prompt` is given, and is empty then.
///
/// Errors: 400 in OpenAI's words, for the first fault in this order: JSON, `model`, `input` absent, unknown keys (only if
/// `strict`), each field in the order input, include, tools, metadata, text, sampling, the rest, then the ids of earlier
/// state, then empty input. That ids name something is not checked here.
pub fn parse(body: &[u8], strict: bool) -> Result<CreateResponse, ApiError> {
    let mut fields = Fields::new(Value::Object(read::object(body)?), Path::Root)?;
    let model = model(&mut fields)?;
    let continues = ["conversation", "previous_response_id", "prompt"].iter().any(|key| fields.has(key));
    if !continues && !fields.has("input") {
        return Err(no_input());
    }
    let request = read_all(fields, model, strict)?;
    if !continues && request.input.is_empty() {
        return Err(no_input());
    }
    Ok(request)
}

/// Checks an object of which nothing has to be there; an absent `model` is empty.
pub(crate) fn parse_optional(map: Object, strict: bool) -> Result<CreateResponse, ApiError> {
    let mut fields = Fields::new(Value::Object(map), Path::Root)?;
    let model = fields.string("model")?.unwrap_or_default();
    read_all(fields, model, strict)
}

fn read_all(mut fields: Fields<'_>, model: String, strict: bool) -> Result<CreateResponse, ApiError> {
    let unknown = unknown(&fields, strict)?;
    let mut request = CreateResponse { model, unknown, ..CreateResponse::default() };
    read_main(&mut fields, &mut request)?;
    read_sampling(&mut fields, &mut request)?;
    read_mode(&mut fields, &mut request)?;
    read_hints(&mut fields, &mut request)?;
    read_state(&mut fields, &mut request)?;
    Ok(request)
}

fn model(fields: &mut Fields<'_>) -> Result<String, ApiError> {
    match fields.string("model")? {
        Some(model) if model.is_empty() => {
            Err(ApiError::invalid_value("model", "you must provide a model parameter."))
        }
        Some(model) => Ok(model),
        None if fields.has("prompt") => Ok(String::new()),
        None => Err(fields.missing("model")),
    }
}

fn no_input() -> ApiError {
    let message = "One of 'input', 'previous_response_id', 'prompt' or 'conversation' must be provided.";
    ApiError::new(400, INVALID_REQUEST, message).with_code("missing_required_parameter")
}

fn unknown(fields: &Fields<'_>, strict: bool) -> Result<Vec<String>, ApiError> {
    let unknown: Vec<String> =
        fields.keys().filter(|key| KNOWN.binary_search(key).is_err()).map(str::to_owned).collect();
    match unknown.first() {
        Some(key) if strict => {
            Err(ApiError::bad_request("unknown_parameter", key, format!("Unknown parameter: '{key}'.")))
        }
        _ => Ok(unknown),
    }
}

fn read_main(fields: &mut Fields<'_>, request: &mut CreateResponse) -> Result<(), ApiError> {
    request.input = input(fields)?;
    request.include = include(fields)?;
    request.tools = tools(fields)?;
    request.tool_choice = tool_choice(fields, &request.tools)?;
    request.metadata = metadata(fields)?;
    request.text = text(fields)?;
    Ok(())
}

fn read_sampling(fields: &mut Fields<'_>, request: &mut CreateResponse) -> Result<(), ApiError> {
    request.temperature = fields.number("temperature", 0.0, 2.0)?;
    request.top_p = fields.number("top_p", 0.0, 1.0)?;
    request.presence_penalty = fields.number("presence_penalty", -2.0, 2.0)?;
    request.frequency_penalty = fields.number("frequency_penalty", -2.0, 2.0)?;
    request.top_logprobs = fields.integer("top_logprobs", 0, 20)?.and_then(|count| u8::try_from(count).ok());
    request.max_output_tokens = fields.count("max_output_tokens", 16)?;
    Ok(())
}

fn read_mode(fields: &mut Fields<'_>, request: &mut CreateResponse) -> Result<(), ApiError> {
    request.instructions = fields.string("instructions")?;
    request.parallel_tool_calls = fields.boolean("parallel_tool_calls")?;
    request.max_tool_calls = fields.count("max_tool_calls", 1)?;
    request.truncation = fields.word("truncation", TRUNCATION)?.unwrap_or_default();
    request.reasoning = reasoning(fields)?;
    request.store = fields.boolean("store")?.unwrap_or(true);
    request.background = fields.boolean("background")?.unwrap_or(false);
    request.stream = fields.boolean("stream")?.unwrap_or(false);
    if let Some(mut options) = fields.fields("stream_options")? {
        request.include_obfuscation = options.boolean("include_obfuscation")?.unwrap_or(true);
        request.include_tool_events = options.boolean("include_tool_events")?.unwrap_or(false);
    }
    Ok(())
}

fn read_hints(fields: &mut Fields<'_>, request: &mut CreateResponse) -> Result<(), ApiError> {
    request.context_management = options::context_management(fields)?;
    request.service_tier = fields.choice("service_tier", TIERS)?.map(str::to_owned);
    request.safety_identifier = fields.bounded_string("safety_identifier", 64)?;
    request.prompt_cache_key = fields.bounded_string("prompt_cache_key", 64)?;
    request.prompt_cache_retention = fields.choice("prompt_cache_retention", RETENTION)?.map(str::to_owned);
    request.user = fields.string("user")?;
    for key in NATIVE {
        if let Some(value) = fields.value(key) {
            request.native.insert((*key).to_owned(), value);
        }
    }
    Ok(())
}

fn read_state(fields: &mut Fields<'_>, request: &mut CreateResponse) -> Result<(), ApiError> {
    let (conversation, prompt) = (conversation(fields)?, prompt(fields)?);
    let previous = fields.string("previous_response_id")?;
    if conversation.is_some() && previous.is_some() {
        return Err(both_states());
    }
    check_prefix("conversation", conversation.as_deref(), "conv")?;
    check_prefix("previous_response_id", previous.as_deref(), "resp")?;
    (request.conversation, request.prompt, request.previous_response_id) = (conversation, prompt, previous);
    Ok(())
}

fn both_states() -> ApiError {
    let message = "Mutually exclusive parameters: 'previous_response_id' and 'conversation'. \
                   Ensure you are only providing one of them.";
    ApiError::new(400, INVALID_REQUEST, message).with_code("mutually_exclusive_parameters")
}

fn check_prefix(param: &str, id: Option<&str>, prefix: &str) -> Result<(), ApiError> {
    match id {
        Some(id) if !id.starts_with(prefix) => Err(ApiError::wrong_prefix(param, id, prefix)),
        _ => Ok(()),
    }
}

fn conversation(fields: &mut Fields<'_>) -> Result<Option<String>, ApiError> {
    match fields.value("conversation") {
        None => Ok(None),
        Some(Value::String(id)) => Ok(Some(id)),
        Some(value @ Value::Object(_)) => {
            Fields::new(value, fields.path().key("conversation"))?.required_string("id").map(Some)
        }
        Some(other) => Err(ApiError::invalid_type("conversation", "a string or an object", &other)),
    }
}

fn prompt(fields: &mut Fields<'_>) -> Result<Option<Object>, ApiError> {
    let Some(prompt) = fields.object("prompt")? else { return Ok(None) };
    let mut read = Fields::new(Value::Object(prompt.clone()), fields.path().key("prompt"))?;
    read.required_string("id")?;
    read.string("version")?;
    read.object("variables")?;
    Ok(Some(prompt))
}
