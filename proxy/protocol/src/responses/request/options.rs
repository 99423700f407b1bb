//! The small nested objects of a request.

use serde_json::Value;

use crate::error::ApiError;
use crate::read::{Fields, string_at, too_long};
use crate::responses::response::{Metadata, ReasoningConfig, TextConfig, TextFormat};

const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh", "max"];
const SUMMARIES: &[&str] = &["auto", "concise", "detailed"];
const CONTEXTS: &[&str] = &["auto", "current_turn", "all_turns"];

/// Takes `metadata`; absent is empty.
///
/// Errors: 400 for more than 16 pairs, a key of more than 64, a value of more than 512 characters or no string.
pub fn metadata(fields: &mut Fields<'_>) -> Result<Metadata, ApiError> {
    let Some(map) = fields.object("metadata")? else { return Ok(Metadata::new()) };
    let path = fields.path().key("metadata");
    let param = || path.to_string();
    if map.len() > 16 {
        let message = format!(
            "Invalid '{path}': too many properties. Expected an object with at most 16 properties, but got an object with {} properties instead.",
            map.len()
        );
        return Err(ApiError::bad_request("object_above_max_properties", &param(), message));
    }
    let pair = |(key, value): (String, Value)| {
        let length = key.chars().count();
        if length > 64 {
            return Err(too_long(&param(), 64, length));
        }
        let at = path.key(&key);
        let text = string_at(value, &at)?;
        let length = text.chars().count();
        if length > 512 {
            return Err(too_long(&at.to_string(), 512, length));
        }
        Ok((key, text))
    };
    map.into_iter().map(pair).collect()
}

/// Takes `reasoning`.
pub(super) fn reasoning(fields: &mut Fields<'_>) -> Result<ReasoningConfig, ApiError> {
    let Some(mut read) = fields.fields("reasoning")? else { return Ok(ReasoningConfig::default()) };
    let effort = read.choice("effort", EFFORTS)?.map(str::to_owned);
    let summary = read.choice("summary", SUMMARIES)?;
    let summary = summary.or(read.choice("generate_summary", SUMMARIES)?).map(str::to_owned);
    read.check("context", |fields| fields.choice("context", CONTEXTS))?;
    read.check("mode", |fields| fields.choice("mode", &["standard", "pro"]))?;
    Ok(ReasoningConfig { effort, summary, rest: read.rest() })
}

/// Takes `text`.
pub(super) fn text(fields: &mut Fields<'_>) -> Result<TextConfig, ApiError> {
    let mut config = TextConfig::default();
    let Some(mut read) = fields.fields("text")? else { return Ok(config) };
    if let Some(format) = read.fields("format")? {
        config.format = text_format(format)?;
    }
    if let Some(verbosity) = read.choice("verbosity", &["low", "medium", "high"])? {
        verbosity.clone_into(&mut config.verbosity);
    }
    Ok(config)
}

fn text_format(mut format: Fields<'_>) -> Result<TextFormat, ApiError> {
    match format.choice("type", &["text", "json_object", "json_schema"])? {
        None => Err(format.missing("type")),
        Some("text") => Ok(TextFormat::Text),
        Some("json_object") => Ok(TextFormat::JsonObject),
        Some(_) => json_schema(&mut format),
    }
}

/// Reads `name`, `schema`, `strict` and `description`, which stand flat in Responses and nested in Chat Completions.
pub(crate) fn json_schema(format: &mut Fields<'_>) -> Result<TextFormat, ApiError> {
    let name = format.required_name("name", 64)?;
    let schema = Value::Object(format.object("schema")?.ok_or_else(|| format.missing("schema"))?);
    let strict = format.boolean("strict")?.unwrap_or(false);
    let description = format.string("description")?;
    Ok(TextFormat::JsonSchema { name, description, schema, strict })
}

/// Takes `context_management`, as it was written.
pub(super) fn context_management(fields: &mut Fields<'_>) -> Result<Option<Value>, ApiError> {
    let Some(entries) = fields.array("context_management")? else { return Ok(None) };
    let path = fields.path().key("context_management");
    if entries.is_empty() {
        return Err(ApiError::invalid_value(&path.to_string(), "expected at least one entry."));
    }
    for (index, entry) in entries.iter().enumerate() {
        let mut read = Fields::new(entry.clone(), path.index(index))?;
        if read.choice("type", &["compaction"])?.is_none() {
            return Err(read.missing("type"));
        }
        read.integer("compact_threshold", 1000, i64::MAX)?;
    }
    Ok(Some(Value::Array(entries)))
}
