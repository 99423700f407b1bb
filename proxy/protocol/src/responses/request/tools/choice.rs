//! The choice among the tools.

use serde_json::Value;

use crate::Object;
use crate::error::ApiError;
use crate::read::Fields;
use crate::responses::request::tools::TYPES;
use crate::responses::tool::{HostedTool, NamedChoice, Tool, ToolChoice, ToolMode};

const MODES: &[(&str, ToolMode)] =
    &[("none", ToolMode::None), ("auto", ToolMode::Auto), ("required", ToolMode::Required)];

/// Takes `tool_choice`.
///
/// Errors: 400 if it names a tool that is not in `tools`, or requires one where there is none.
pub(crate) fn tool_choice(fields: &mut Fields<'_>, tools: &[Tool]) -> Result<ToolChoice, ApiError> {
    let at = fields.at("tool_choice");
    let choice = match fields.value("tool_choice") {
        None => return Ok(ToolChoice::default()),
        Some(Value::String(word)) => ToolChoice::Mode(mode(&word, &at)?),
        Some(value @ Value::Object(_)) => {
            ToolChoice::Named(named(Fields::new(value, fields.path().key("tool_choice"))?, tools)?)
        }
        Some(other) => return Err(ApiError::invalid_type(&at, "a string or an object", &other)),
    };
    if tools.is_empty() && choice == ToolChoice::Mode(ToolMode::Required) {
        let why = "'required' is only allowed when 'tools' are specified.";
        return Err(ApiError::invalid_value(&at, why));
    }
    Ok(choice)
}

fn mode(word: &str, at: &str) -> Result<ToolMode, ApiError> {
    match MODES.iter().find(|(known, _)| *known == word) {
        Some((_, mode)) => Ok(*mode),
        None => Err(ApiError::invalid_choice(
            at,
            word,
            &MODES.iter().map(|(known, _)| *known).collect::<Vec<_>>(),
        )),
    }
}

fn named(mut fields: Fields<'_>, tools: &[Tool]) -> Result<NamedChoice, ApiError> {
    let kind = fields.required_string("type")?;
    let at = fields.path().to_string();
    match kind.as_str() {
        "allowed_tools" => allowed(fields, tools),
        "function" => {
            let name = fields.required_string("name")?;
            offered(is_function(tools, &name), &name, &at)?;
            Ok(NamedChoice::Function { name })
        }
        "custom" => {
            let name = fields.required_string("name")?;
            offered(is_custom(tools, &name), &name, &at)?;
            Ok(NamedChoice::Custom { name })
        }
        "mcp" => {
            let server_label = fields.required_string("server_label")?;
            offered(is_server(tools, &server_label), &server_label, &at)?;
            Ok(NamedChoice::Mcp { server_label, name: fields.string("name")? })
        }
        kind if TYPES.contains(&kind) => {
            offered(is_hosted(tools, kind), kind, &at)?;
            Ok(NamedChoice::Hosted { kind: kind.to_owned() })
        }
        _ => {
            let known: Vec<&str> = ["allowed_tools"].iter().chain(TYPES).copied().collect();
            Err(ApiError::invalid_choice(&fields.at("type"), &kind, &known))
        }
    }
}

fn allowed(mut fields: Fields<'_>, tools: &[Tool]) -> Result<NamedChoice, ApiError> {
    let table = &[("auto", ToolMode::Auto), ("required", ToolMode::Required)];
    let mode = fields.word("mode", table)?.ok_or_else(|| fields.missing("mode"))?;
    let list = fields.array("tools")?.ok_or_else(|| fields.missing("tools"))?;
    let path = fields.path().key("tools");
    let read = |(index, value): (usize, Value)| {
        let Value::Object(entry) = value else {
            return Err(ApiError::invalid_type(&path.index(index).to_string(), "an object", &value));
        };
        let reference = Fields::new(Value::Object(entry.clone()), path.index(index))?;
        named(reference, tools)?;
        Ok(entry)
    };
    let tools = list.into_iter().enumerate().map(read).collect::<Result<Vec<Object>, _>>()?;
    Ok(NamedChoice::AllowedTools { mode, tools })
}

fn offered(found: bool, name: &str, at: &str) -> Result<(), ApiError> {
    if found {
        return Ok(());
    }
    let message = format!("Tool choice '{name}' not found in 'tools' parameter.");
    Err(ApiError::bad_request("invalid_value", at, message))
}

/// A function can be named bare, through its namespace, or by the alias of a server tool.
fn is_function(tools: &[Tool], name: &str) -> bool {
    tools.iter().any(|tool| match tool {
        Tool::Function(function) => function.name == name,
        Tool::Custom(_) | Tool::Mcp(_) => false,
        Tool::Hosted(hosted) => hosted.text("alias") == Some(name) || in_namespace(hosted, "function", name),
    })
}

fn is_custom(tools: &[Tool], name: &str) -> bool {
    tools.iter().any(|tool| match tool {
        Tool::Custom(custom) => custom.name == name,
        Tool::Function(_) | Tool::Mcp(_) => false,
        Tool::Hosted(hosted) => in_namespace(hosted, "custom", name),
    })
}

fn in_namespace(tool: &HostedTool, kind: &str, name: &str) -> bool {
    let Some(space) = tool.text("name").filter(|_| tool.kind == "namespace") else { return false };
    let inner = tool.fields.get("tools").and_then(Value::as_array);
    inner.into_iter().flatten().filter(|inner| inner["type"] == kind).any(|inner| {
        let inner = inner["name"].as_str().unwrap_or_default();
        inner == name || name.strip_prefix(space).and_then(|rest| rest.strip_prefix("__")) == Some(inner)
    })
}

fn is_server(tools: &[Tool], label: &str) -> bool {
    tools.iter().any(|tool| matches!(tool, Tool::Mcp(tool) if tool.server_label == label))
}

fn is_hosted(tools: &[Tool], kind: &str) -> bool {
    hosted(tools).any(|tool| family(&tool.kind) == family(kind))
}

fn hosted(tools: &[Tool]) -> impl Iterator<Item = &HostedTool> {
    tools.iter().filter_map(|tool| match tool {
        Tool::Hosted(hosted) => Some(hosted),
        Tool::Function(_) | Tool::Custom(_) | Tool::Mcp(_) => None,
    })
}

/// Dated and preview types are one with the plain one.
fn family(kind: &str) -> &str {
    ["web_search", "computer"].into_iter().find(|family| kind.starts_with(family)).unwrap_or(kind)
}
