//! Tools: nested for the client's own, as in the Responses API for those that the server runs.

use serde_json::Value;

use crate::Object;
use crate::error::ApiError;
use crate::read::{Fields, Path};
use crate::responses::request::{check_labels, is_server_type, tool};
use crate::responses::tool::{CustomTool, FunctionTool, Tool};

/// Entries of `tools`, and of `functions`.
const LIMIT: usize = 128;

const NAME_LIMIT: usize = 64;

/// Takes `tools` and the deprecated `functions`: those of the server, those of the client.
pub(super) fn tools(fields: &mut Fields<'_>) -> Result<(Vec<Tool>, Vec<Tool>), ApiError> {
    let (mut server, mut client, mut places) = (Vec::new(), Vec::new(), Vec::new());
    let list = fields.bounded_array("tools", LIMIT)?.unwrap_or_default();
    for (index, value) in list.into_iter().enumerate() {
        let path = fields.path().key("tools");
        let path = path.index(index);
        match value.get("type").and_then(Value::as_str) {
            Some(kind) if is_server_type(kind) => {
                server.push(tool(value, &path)?);
                places.push(index);
            }
            _ => client.push(nested(value, &path)?),
        }
    }
    check_labels(places.into_iter().zip(&server), &fields.path().key("tools"))?;
    let list = fields.bounded_array("functions", LIMIT)?.unwrap_or_default();
    for (index, value) in list.into_iter().enumerate() {
        let path = fields.path().key("functions");
        client.push(Tool::Function(function(Fields::new(value, path.index(index))?)?));
    }
    Ok((server, client))
}

/// Puts the tools of the server into a request as they may be shown: it holds no credentials then.
pub(super) fn conceal(raw: &mut Object, server: &[Tool]) {
    let mut server = server.iter();
    let tools = raw.get_mut("tools").and_then(Value::as_array_mut);
    for tool in tools.into_iter().flatten() {
        let kind = tool.get("type").and_then(Value::as_str).unwrap_or_default();
        if is_server_type(kind) {
            *tool = server.next().and_then(|tool| serde_json::to_value(tool).ok()).unwrap_or_default();
        }
    }
}

fn nested(value: Value, path: &Path<'_>) -> Result<Tool, ApiError> {
    let mut outer = Fields::new(value, *path)?;
    match outer.choice("type", &["function", "custom"])? {
        None => Err(outer.missing("type")),
        Some("function") => {
            let missing = outer.missing("function");
            let inner = outer.fields("function")?.ok_or(missing)?;
            function(inner).map(Tool::Function)
        }
        Some(_) => {
            let missing = outer.missing("custom");
            let inner = outer.fields("custom")?.ok_or(missing)?;
            custom(inner).map(Tool::Custom)
        }
    }
}

/// Schemas stay as they are: an absent `strict` is false here.
fn function(mut fields: Fields<'_>) -> Result<FunctionTool, ApiError> {
    let name = fields.required_name("name", NAME_LIMIT)?;
    let description = fields.string("description")?;
    let parameters = fields.object("parameters")?.map(Value::Object);
    let strict = Some(fields.boolean("strict")?.unwrap_or(false));
    Ok(FunctionTool { description, name, parameters, strict, rest: fields.rest(), ..FunctionTool::default() })
}

/// A grammar is nested one level deeper than in the Responses API.
fn custom(mut fields: Fields<'_>) -> Result<CustomTool, ApiError> {
    let name = fields.required_name("name", NAME_LIMIT)?;
    let description = fields.string("description")?;
    let mut format = fields.object("format")?;
    if let Some(format) = &mut format
        && let Some(Value::Object(grammar)) = format.shift_remove("grammar")
    {
        format.extend(grammar);
    }
    let format = format.map(Value::Object);
    Ok(CustomTool { name, description, format, rest: fields.rest(), ..CustomTool::default() })
}
