//! Sampling, formats and hints.

use serde_json::Value;

use crate::error::ApiError;
use crate::read::{Fields, string_at, too_many};
use crate::responses::request::{json_schema, tool_choice};
use crate::responses::response::TextFormat;
use crate::responses::tool::{Tool, ToolChoice};

const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// The fields that a turn needs, in the words of the Responses API.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// `max_completion_tokens`, or its old name `max_tokens`.
    pub max_output_tokens: Option<u64>,
    /// 0 to 2.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// −2 to 2.
    pub presence_penalty: Option<f64>,
    /// −2 to 2.
    pub frequency_penalty: Option<f64>,
    /// Whether token probabilities are shown.
    pub logprobs: bool,
    /// 0 to 20.
    pub top_logprobs: Option<u8>,
    /// At most four.
    pub stop: Vec<String>,
    /// For models that can repeat themselves.
    pub seed: Option<i64>,
    /// `response_format`, flat.
    pub format: TextFormat,
    /// `low`, `medium` or `high`.
    pub verbosity: Option<String>,
    /// `none` to `max`.
    pub reasoning_effort: Option<String>,
    /// The choice among all tools, flat.
    pub tool_choice: ToolChoice,
    /// Whether one generation may hold several calls.
    pub parallel_tool_calls: Option<bool>,
    /// Whether the answer is to be heard, not only read.
    pub wants_audio: bool,
    /// Forwarded.
    pub user: Option<String>,
    /// Forwarded.
    pub safety_identifier: Option<String>,
    /// Forwarded.
    pub prompt_cache_key: Option<String>,
    /// Forwarded where known.
    pub prompt_cache_retention: Option<String>,
    /// A hint.
    pub service_tier: Option<String>,
}

pub(super) fn options(
    fields: &mut Fields<'_>,
    server: &[Tool],
    client: &[Tool],
) -> Result<Options, ApiError> {
    let mut options = sampling(fields)?;
    options.format = format(fields)?;
    options.verbosity = fields.choice("verbosity", &["low", "medium", "high"])?.map(str::to_owned);
    options.reasoning_effort = fields.choice("reasoning_effort", EFFORTS)?.map(str::to_owned);
    options.tool_choice = choice(fields, &[server, client].concat())?;
    options.parallel_tool_calls = fields.boolean("parallel_tool_calls")?;
    options.wants_audio =
        fields.strings("modalities")?.is_some_and(|kinds| kinds.iter().any(|kind| kind == "audio"));
    options.user = fields.string("user")?;
    options.safety_identifier = fields.string("safety_identifier")?;
    options.prompt_cache_key = fields.string("prompt_cache_key")?;
    options.prompt_cache_retention = fields.string("prompt_cache_retention")?;
    options.service_tier = fields.string("service_tier")?;
    Ok(options)
}

fn sampling(fields: &mut Fields<'_>) -> Result<Options, ApiError> {
    let new_name = fields.count("max_completion_tokens", 1)?;
    Ok(Options {
        max_output_tokens: new_name.or(fields.count("max_tokens", 1)?),
        temperature: fields.number("temperature", 0.0, 2.0)?,
        top_p: fields.number("top_p", 0.0, 1.0)?,
        presence_penalty: fields.number("presence_penalty", -2.0, 2.0)?,
        frequency_penalty: fields.number("frequency_penalty", -2.0, 2.0)?,
        logprobs: fields.boolean("logprobs")?.unwrap_or(false),
        top_logprobs: fields.integer("top_logprobs", 0, 20)?.and_then(|count| u8::try_from(count).ok()),
        stop: stop(fields)?,
        seed: fields.integer("seed", i64::MIN, i64::MAX)?,
        ..Options::default()
    })
}

fn stop(fields: &mut Fields<'_>) -> Result<Vec<String>, ApiError> {
    match fields.value("stop") {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text]),
        Some(Value::Array(list)) if list.len() > 4 => Err(too_many("stop", 4, list.len())),
        Some(Value::Array(list)) => {
            let path = fields.path().key("stop");
            list.into_iter().enumerate().map(|(index, text)| string_at(text, &path.index(index))).collect()
        }
        Some(other) => Err(ApiError::invalid_type("stop", "a string or an array", &other)),
    }
}

/// An absent schema means any object, as upstreams read it.
fn format(fields: &mut Fields<'_>) -> Result<TextFormat, ApiError> {
    let Some(mut format) = fields.fields("response_format")? else { return Ok(TextFormat::Text) };
    match format.choice("type", &["text", "json_object", "json_schema"])? {
        None => Err(format.missing("type")),
        Some("text") => Ok(TextFormat::Text),
        Some("json_object") => Ok(TextFormat::JsonObject),
        Some(_) => {
            let missing = format.missing("json_schema");
            let mut nested = format.fields("json_schema")?.ok_or(missing)?;
            if !nested.has("schema") {
                nested.put("schema", Some(serde_json::json!({"type": "object"})));
            }
            json_schema(&mut nested)
        }
    }
}

/// Flattens the choice and reads it as the Responses API does; `function_call` is its deprecated form.
fn choice(fields: &mut Fields<'_>, tools: &[Tool]) -> Result<ToolChoice, ApiError> {
    let given = fields.value("tool_choice").map(flat);
    let given = given.or_else(|| fields.value("function_call").map(legacy));
    fields.put("tool_choice", given);
    tool_choice(fields, tools)
}

fn legacy(choice: Value) -> Value {
    let Value::Object(mut named) = choice else { return choice };
    named.insert("type".to_owned(), "function".into());
    Value::Object(named)
}

fn flat(choice: Value) -> Value {
    let Value::Object(mut map) = choice else { return choice };
    let kind = map.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(Value::Object(nested)) = map.shift_remove(&kind) {
        map.extend(nested);
    }
    if let Some(Value::Array(tools)) = map.get_mut("tools") {
        tools.iter_mut().for_each(|tool| *tool = flat(tool.take()));
    }
    Value::Object(map)
}
