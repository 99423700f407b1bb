//! Input to items: normalised, with every field that a type knows checked.

mod calls;
mod content;
mod hosted;
mod message;

use serde_json::Value;

use crate::error::ApiError;
use crate::read::{Fields, Path, too_long};
use crate::responses::content::Content;
use crate::responses::item::{Item, ItemReference, ItemStatus, Message, Role};

/// Characters of a text.
const TEXT_LIMIT: usize = 10_485_760;

/// Characters of an image URL or of a sealed blob.
const BLOB_LIMIT: usize = 20_971_520;

/// Characters of an id.
const ID_LIMIT: usize = 512;

/// Every type with the prefix that its ids must have, if any.
const TYPES: &[(&str, &str)] = &[
    ("message", "msg"),
    ("function_call", "fc"),
    ("function_call_output", "fc"),
    ("custom_tool_call", "ctc"),
    ("custom_tool_call_output", "ctc"),
    ("reasoning", "rs"),
    ("file_search_call", "fs"),
    ("web_search_call", "ws"),
    ("mcp_list_tools", "mcpl"),
    ("mcp_call", "mcp"),
    ("mcp_approval_request", "mcpr"),
    ("mcp_approval_response", "mcpr"),
    ("image_generation_call", "ig"),
    ("compaction", "cmp"),
    ("compaction_trigger", ""),
    ("item_reference", ""),
    ("program", ""),
    ("program_output", ""),
    ("tool_search_call", ""),
    ("tool_search_output", ""),
    ("additional_tools", ""),
    ("computer_call", ""),
    ("computer_call_output", ""),
    ("shell_call", ""),
    ("shell_call_output", ""),
    ("apply_patch_call", ""),
    ("apply_patch_call_output", ""),
    ("local_shell_call", ""),
    ("local_shell_call_output", ""),
    ("code_interpreter_call", ""),
];

/// What extension types begin with.
const EXTENSION: &str = "fairlead:";

const STATUS: &[(&str, ItemStatus)] = &[
    ("in_progress", ItemStatus::InProgress),
    ("searching", ItemStatus::Searching),
    ("calling", ItemStatus::Calling),
    ("generating", ItemStatus::Generating),
    ("completed", ItemStatus::Completed),
    ("incomplete", ItemStatus::Incomplete),
    ("failed", ItemStatus::Failed),
];

/// Takes `input`: a string becomes a user message, an empty one nothing.
pub(super) fn input(fields: &mut Fields<'_>) -> Result<Vec<Item>, ApiError> {
    match fields.value("input") {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => said(text, &fields.at("input")),
        Some(Value::Array(list)) => items(list, &fields.path().key("input")),
        Some(other) => Err(ApiError::invalid_type(&fields.at("input"), "a string or an array", &other)),
    }
}

/// Reads a list of input items. Ids that are not given stay empty; absent statuses are `completed`.
///
/// Errors: 400 with the path of the field below `path`.
pub fn items(list: Vec<Value>, path: &Path<'_>) -> Result<Vec<Item>, ApiError> {
    let last = list.len().saturating_sub(1);
    let read = |(index, value): (usize, Value)| {
        let at = path.index(index);
        let item = item(value, &at)?;
        if index != last && item.kind() == "compaction_trigger" {
            return Err(ApiError::invalid_value(
                &at.to_string(),
                "'compaction_trigger' must be the last item.",
            ));
        }
        Ok(item)
    };
    list.into_iter().enumerate().map(read).collect()
}

fn said(text: String, param: &str) -> Result<Vec<Item>, ApiError> {
    if text.len() > TEXT_LIMIT && text.chars().count() > TEXT_LIMIT {
        return Err(too_long(param, TEXT_LIMIT, text.chars().count()));
    }
    if text.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Item::Message(Message::new(Role::User, vec![Content::input_text(text)]))])
}

fn item(value: Value, path: &Path<'_>) -> Result<Item, ApiError> {
    let mut fields = Fields::new(value, *path)?;
    let kind = match fields.string("type")? {
        Some(kind) => kind,
        None if fields.has("role") => "message".to_owned(),
        None if fields.has("id") => "item_reference".to_owned(),
        None => return Err(fields.missing("type")),
    };
    let known = TYPES.iter().find(|(name, _)| *name == kind);
    match known {
        Some(("item_reference", _)) => reference(fields),
        Some((kind, prefix)) => {
            let id = id(&mut fields, prefix)?;
            typed(kind, id, fields)
        }
        None if kind.starts_with(EXTENSION) => {
            let id = id(&mut fields, "")?;
            Ok(other(&kind, id, fields))
        }
        None => {
            let names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
            Err(ApiError::invalid_choice(&fields.at("type"), &kind, &names))
        }
    }
}

fn id(fields: &mut Fields<'_>, prefix: &str) -> Result<String, ApiError> {
    match fields.bounded_string("id", ID_LIMIT)? {
        Some(id) if !id.starts_with(prefix) => Err(ApiError::wrong_prefix(&fields.at("id"), &id, prefix)),
        given => Ok(given.unwrap_or_default()),
    }
}

fn typed(kind: &str, id: String, fields: Fields<'_>) -> Result<Item, ApiError> {
    Ok(match kind {
        "message" => Item::Message(message::message(id, fields)?),
        "function_call" => Item::FunctionCall(calls::function_call(id, fields)?),
        "function_call_output" => Item::FunctionCallOutput(calls::function_call_output(id, fields)?),
        "custom_tool_call" => Item::CustomToolCall(calls::custom_tool_call(id, fields)?),
        "custom_tool_call_output" => Item::CustomToolCallOutput(calls::custom_tool_call_output(id, fields)?),
        "reasoning" => Item::Reasoning(message::reasoning(id, fields)?),
        "file_search_call" => Item::FileSearchCall(hosted::file_search_call(id, fields)?),
        "web_search_call" => Item::WebSearchCall(hosted::web_search_call(id, fields)?),
        "image_generation_call" => Item::ImageGenerationCall(hosted::image_generation_call(id, fields)?),
        "mcp_list_tools" => Item::McpListTools(hosted::mcp_list_tools(id, fields)?),
        "mcp_call" => Item::McpCall(hosted::mcp_call(id, fields)?),
        "mcp_approval_request" => Item::McpApprovalRequest(hosted::mcp_approval_request(id, fields)?),
        "mcp_approval_response" => Item::McpApprovalResponse(hosted::mcp_approval_response(id, fields)?),
        "compaction" => Item::Compaction(hosted::compaction(id, fields)?),
        _ => other(kind, id, fields),
    })
}

fn reference(mut fields: Fields<'_>) -> Result<Item, ApiError> {
    let id = fields.bounded_string("id", ID_LIMIT)?.ok_or_else(|| fields.missing("id"))?;
    Ok(Item::Reference(ItemReference { id, ..ItemReference::default() }))
}

/// Keeps an item as it came, `id` first and then `type`.
fn other(kind: &str, id: String, fields: Fields<'_>) -> Item {
    let mut map = crate::Object::new();
    if !id.is_empty() {
        map.insert("id".to_owned(), Value::String(id));
    }
    map.insert("type".to_owned(), Value::String(kind.to_owned()));
    map.extend(fields.rest());
    Item::Other(map)
}

fn status(fields: &mut Fields<'_>) -> Result<ItemStatus, ApiError> {
    Ok(fields.word("status", STATUS)?.unwrap_or_default())
}
