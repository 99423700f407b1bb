//! Calls that the client runs, and their outputs.

use serde_json::Value;

use crate::error::ApiError;
use crate::read::{Fields, too_long};
use crate::responses::item::{
    CustomToolCall, CustomToolCallOutput, CustomToolCallOutputTag, FunctionCall, FunctionCallOutput,
    FunctionCallOutputTag, Output,
};
use crate::responses::request::input::content::{Place, parts};
use crate::responses::request::input::{TEXT_LIMIT, status};

pub(super) fn function_call(id: String, mut fields: Fields<'_>) -> Result<FunctionCall, ApiError> {
    let call_id = call_id(&mut fields)?;
    let name = fields.required_string("name")?;
    let arguments = fields.required_string("arguments")?;
    let namespace = fields.string("namespace")?;
    let status = status(&mut fields)?;
    let rest = fields.rest();
    Ok(FunctionCall { id, status, arguments, call_id, name, namespace, rest, ..FunctionCall::default() })
}

pub(super) fn custom_tool_call(id: String, mut fields: Fields<'_>) -> Result<CustomToolCall, ApiError> {
    let call_id = call_id(&mut fields)?;
    let name = fields.required_string("name")?;
    let input = fields.required_string("input")?;
    let namespace = fields.string("namespace")?;
    let status = status(&mut fields)?;
    let rest = fields.rest();
    Ok(CustomToolCall { id, status, call_id, name, input, namespace, rest, ..CustomToolCall::default() })
}

pub(super) fn function_call_output(
    id: String,
    mut fields: Fields<'_>,
) -> Result<FunctionCallOutput, ApiError> {
    let (call_id, output, status) = answer(&mut fields)?;
    let (tag, rest) = (FunctionCallOutputTag, fields.rest());
    Ok(FunctionCallOutput { id, tag, status, call_id, output, rest })
}

pub(super) fn custom_tool_call_output(
    id: String,
    mut fields: Fields<'_>,
) -> Result<CustomToolCallOutput, ApiError> {
    let (call_id, output, status) = answer(&mut fields)?;
    let (tag, rest) = (CustomToolCallOutputTag, fields.rest());
    Ok(CustomToolCallOutput { id, tag, status, call_id, output, rest })
}

type Answer = (String, Output, crate::responses::item::ItemStatus);

fn answer(fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    Ok((call_id(fields)?, output(fields)?, status(fields)?))
}

fn call_id(fields: &mut Fields<'_>) -> Result<String, ApiError> {
    let id = fields.bounded_string("call_id", 64)?.ok_or_else(|| fields.missing("call_id"))?;
    if id.is_empty() {
        return Err(ApiError::invalid_value(&fields.at("call_id"), "expected at least one character."));
    }
    Ok(id)
}

fn output(fields: &mut Fields<'_>) -> Result<Output, ApiError> {
    match fields.value("output") {
        None => Err(fields.missing("output")),
        Some(Value::String(text)) if text.len() > TEXT_LIMIT && text.chars().count() > TEXT_LIMIT => {
            Err(too_long(&fields.at("output"), TEXT_LIMIT, text.chars().count()))
        }
        Some(Value::String(text)) => Ok(Output::Text(text)),
        Some(Value::Array(list)) => {
            parts(list, &fields.path().key("output"), Place::ToolOutput).map(Output::Parts)
        }
        Some(other) => Err(ApiError::invalid_type(&fields.at("output"), "a string or an array", &other)),
    }
}
