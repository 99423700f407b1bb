//! The shape of messages. Parts of unknown types pass: an upstream may know them.

use serde_json::Value;

use crate::Object;
use crate::error::ApiError;
use crate::read::Path;

const ROLES: &[&str] = &["developer", "system", "user", "assistant", "tool", "function"];

/// Fields that stand for the content of an assistant message.
const INSTEAD: &[&str] =
    &["tool_calls", "function_call", "refusal", "audio", "reasoning_content", "reasoning"];

pub(super) fn check(messages: &Value) -> Result<(), ApiError> {
    let path = Path::Root.key("messages");
    let Value::Array(list) = messages else {
        return Err(ApiError::invalid_type("messages", "an array", messages));
    };
    if list.is_empty() {
        let why = "empty array. Expected an array with minimum length 1, but got an empty array instead.";
        return Err(ApiError::invalid_value("messages", why));
    }
    list.iter().enumerate().try_for_each(|(index, message)| check_message(message, &path.index(index)))
}

fn check_message(message: &Value, path: &Path<'_>) -> Result<(), ApiError> {
    let message = object(message, path)?;
    let role = text(message, path, "role")?;
    if !ROLES.contains(&role) {
        return Err(ApiError::invalid_choice(&path.key("role").to_string(), role, ROLES));
    }
    match message.get("content") {
        None | Some(Value::Null) if role == "assistant" && INSTEAD.iter().any(|key| has(message, key)) => {}
        None => return Err(ApiError::missing(&path.key("content").to_string())),
        Some(Value::Null) if role == "assistant" || role == "function" => {}
        Some(Value::String(_)) => {}
        Some(Value::Array(parts)) => check_parts(parts, &path.key("content"))?,
        Some(other) => {
            let param = path.key("content").to_string();
            return Err(ApiError::invalid_type(&param, "a string or an array", other));
        }
    }
    match role {
        "tool" => text(message, path, "tool_call_id").map(drop),
        "function" => text(message, path, "name").map(drop),
        "assistant" => check_calls(message.get("tool_calls"), &path.key("tool_calls")),
        _ => Ok(()),
    }
}

fn check_parts(parts: &[Value], path: &Path<'_>) -> Result<(), ApiError> {
    for (index, part) in parts.iter().enumerate() {
        let path = path.index(index);
        let part = object(part, &path)?;
        match text(part, &path, "type")? {
            kind @ ("text" | "refusal") => text(part, &path, kind).map(drop)?,
            kind @ ("image_url" | "input_audio" | "file") => {
                let inner = path.key(kind);
                let value = part.get(kind).ok_or_else(|| ApiError::missing(&inner.to_string()))?;
                object(value, &inner)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_calls(calls: Option<&Value>, path: &Path<'_>) -> Result<(), ApiError> {
    let calls = match calls {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(calls)) => calls,
        Some(other) => return Err(ApiError::invalid_type(&path.to_string(), "an array", other)),
    };
    for (index, call) in calls.iter().enumerate() {
        let path = path.index(index);
        let call = object(call, &path)?;
        text(call, &path, "id")?;
        let (kind, key) = if has(call, "custom") { ("custom", "input") } else { ("function", "arguments") };
        let inner = path.key(kind);
        let value = call.get(kind).ok_or_else(|| ApiError::missing(&inner.to_string()))?;
        let value = object(value, &inner)?;
        text(value, &inner, "name")?;
        text(value, &inner, key)?;
    }
    Ok(())
}

fn object<'v>(value: &'v Value, path: &Path<'_>) -> Result<&'v Object, ApiError> {
    value.as_object().ok_or_else(|| ApiError::invalid_type(&path.to_string(), "an object", value))
}

fn text<'v>(map: &'v Object, path: &Path<'_>, key: &str) -> Result<&'v str, ApiError> {
    match map.get(key) {
        None | Some(Value::Null) => Err(ApiError::missing(&path.key(key).to_string())),
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(ApiError::invalid_type(&path.key(key).to_string(), "a string", other)),
    }
}

fn has(map: &Object, key: &str) -> bool {
    map.get(key).is_some_and(|value| !value.is_null())
}
