//! Messages and reasoning.

use serde_json::Value;

use crate::error::ApiError;
use crate::read::{Fields, too_long};
use crate::responses::content::Content;
use crate::responses::item::{Message, Reasoning, Role};
use crate::responses::request::input::content::{Place, parts};
use crate::responses::request::input::{BLOB_LIMIT, TEXT_LIMIT, status};

const ROLES: &[(&str, Role)] = &[
    ("user", Role::User),
    ("assistant", Role::Assistant),
    ("system", Role::System),
    ("developer", Role::Developer),
];

pub(super) fn message(id: String, mut fields: Fields<'_>) -> Result<Message, ApiError> {
    let role = fields.word("role", ROLES)?.ok_or_else(|| fields.missing("role"))?;
    let content = content(&mut fields, role)?;
    let status = status(&mut fields)?;
    fields.check("phase", |fields| fields.choice("phase", &["commentary", "final_answer"]))?;
    Ok(Message { id, status, rest: fields.rest(), ..Message::new(role, content) })
}

fn content(fields: &mut Fields<'_>, role: Role) -> Result<Vec<Content>, ApiError> {
    let place = if role == Role::Assistant { Place::Assistant } else { Place::Caller };
    match fields.value("content") {
        None => Err(fields.missing("content")),
        Some(Value::String(text)) if text.len() > TEXT_LIMIT && text.chars().count() > TEXT_LIMIT => {
            Err(too_long(&fields.at("content"), TEXT_LIMIT, text.chars().count()))
        }
        Some(Value::String(text)) if role == Role::Assistant => Ok(vec![Content::output_text(text)]),
        Some(Value::String(text)) => Ok(vec![Content::input_text(text)]),
        Some(Value::Array(list)) => parts(list, &fields.path().key("content"), place),
        Some(other) => Err(ApiError::invalid_type(&fields.at("content"), "a string or an array", &other)),
    }
}

/// A status is kept only where one was given: the item has none.
pub(super) fn reasoning(id: String, mut fields: Fields<'_>) -> Result<Reasoning, ApiError> {
    let path = *fields.path();
    let summary = fields.array("summary")?.unwrap_or_default();
    let summary = parts(summary, &path.key("summary"), Place::Summary)?;
    let content = fields.array("content")?.unwrap_or_default();
    let content = parts(content, &path.key("content"), Place::Reasoning)?;
    let encrypted_content = fields.bounded_string("encrypted_content", BLOB_LIMIT)?;
    fields.check("status", |fields| fields.choice("status", &["in_progress", "completed", "incomplete"]))?;
    Ok(Reasoning { id, summary, content, encrypted_content, rest: fields.rest(), ..Reasoning::default() })
}
