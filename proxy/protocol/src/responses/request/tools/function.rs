//! Tools that the client runs.

use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::read::{Fields, Path};
use crate::responses::request::tools::strict::make_strict;
use crate::responses::tool::{CustomTool, FunctionTool};

/// Characters of a name inside a namespace.
const INNER_NAME_LIMIT: usize = 128;

/// Reads a function. An absent `strict` becomes true where the schema allows it, and the schema is changed to fit.
pub(super) fn function(mut fields: Fields<'_>, name_limit: usize) -> Result<FunctionTool, ApiError> {
    let name = fields.required_name("name", name_limit)?;
    let description = fields.string("description")?;
    let mut parameters = fields.object("parameters")?.map(Value::Object);
    let strict = match fields.boolean("strict")? {
        Some(strict) => strict,
        None => parameters.as_mut().is_some_and(make_strict),
    };
    let (strict, rest) = (Some(strict), fields.rest());
    Ok(FunctionTool { description, name, parameters, strict, rest, ..FunctionTool::default() })
}

/// Reads a custom tool.
pub(super) fn custom(mut fields: Fields<'_>, name_limit: usize) -> Result<CustomTool, ApiError> {
    let name = fields.required_name("name", name_limit)?;
    let description = fields.string("description")?;
    let format = fields.value("format");
    if let Some(format) = &format {
        check_format(format.clone(), &fields.path().key("format"))?;
    }
    Ok(CustomTool { name, description, format, rest: fields.rest(), ..CustomTool::default() })
}

fn check_format(format: Value, path: &Path<'_>) -> Result<(), ApiError> {
    let mut format = Fields::new(format, *path)?;
    match format.choice("type", &["text", "grammar"])? {
        None => Err(format.missing("type")),
        Some("text") => Ok(()),
        Some(_) => {
            format.choice("syntax", &["lark", "regex"])?.ok_or_else(|| format.missing("syntax"))?;
            format.required_string("definition")?;
            Ok(())
        }
    }
}

/// Reads the tools of a namespace, as they are echoed.
pub(super) fn inner(list: Vec<Value>, path: &Path<'_>) -> Result<Vec<Value>, ApiError> {
    let read = |(index, value)| {
        let mut fields = Fields::new(value, path.index(index))?;
        let kind = fields.required_string("type")?;
        let tool = match kind.as_str() {
            "function" => serde_json::to_value(function(fields, INNER_NAME_LIMIT)?),
            "custom" => serde_json::to_value(custom(fields, INNER_NAME_LIMIT)?),
            _ => return Err(ApiError::invalid_choice(&fields.at("type"), &kind, &["function", "custom"])),
        };
        Ok(tool.unwrap_or_else(|_| Value::Object(Map::new())))
    };
    list.into_iter().enumerate().map(read).collect()
}
