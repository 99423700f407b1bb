//! Tools: their shape is checked here, whether they are served is not.

mod choice;
mod function;
mod hosted;
mod mcp;
mod strict;

use std::collections::HashSet;

use serde_json::Value;

use crate::error::ApiError;
use crate::read::{Fields, Path};
use crate::responses::tool::Tool;

pub(crate) use choice::tool_choice;

/// Entries of `tools`.
const LIMIT: usize = 128;

/// Characters of a tool's name.
const NAME_LIMIT: usize = 64;

/// Every type of tool.
const TYPES: &[&str] = &[
    "function",
    "custom",
    "namespace",
    "file_search",
    "web_search",
    "web_search_2025_08_26",
    "web_search_preview",
    "web_search_preview_2025_03_11",
    "mcp",
    "image_generation",
    "agentic_search",
    "think",
    "tool_search",
    "code_interpreter",
    "programmatic_tool_calling",
    "computer",
    "computer_use",
    "computer_use_preview",
    "local_shell",
    "shell",
    "apply_patch",
];

/// Takes `tools`.
pub(super) fn tools(fields: &mut Fields<'_>) -> Result<Vec<Tool>, ApiError> {
    let list = fields.bounded_array("tools", LIMIT)?.unwrap_or_default();
    let path = fields.path().key("tools");
    let tools: Vec<Tool> = list
        .into_iter()
        .enumerate()
        .map(|(index, value)| tool(value, &path.index(index)))
        .collect::<Result<_, _>>()?;
    check_labels(tools.iter().enumerate(), &path)?;
    Ok(tools)
}

/// A label names one server: calls and lists are told apart by it.
pub(crate) fn check_labels<'t>(
    tools: impl IntoIterator<Item = (usize, &'t Tool)>,
    path: &Path<'_>,
) -> Result<(), ApiError> {
    let mut seen = HashSet::new();
    let mut labels = tools.into_iter().filter_map(|(index, tool)| match tool {
        Tool::Mcp(tool) => Some((index, &tool.server_label)),
        Tool::Function(_) | Tool::Custom(_) | Tool::Hosted(_) => None,
    });
    match labels.find(|(_, label)| !seen.insert(*label)) {
        None => Ok(()),
        Some((index, label)) => {
            let param = path.index(index);
            let why = format!("the label '{label}' names another server in this request.");
            Err(ApiError::invalid_value(&param.key("server_label").to_string(), &why))
        }
    }
}

/// Reads a tool as Responses writes it.
pub(crate) fn tool(value: Value, path: &Path<'_>) -> Result<Tool, ApiError> {
    let mut fields = Fields::new(value, *path)?;
    let kind = fields.required_string("type")?;
    match TYPES.iter().find(|known| **known == kind) {
        Some(&"function") => function::function(fields, NAME_LIMIT).map(Tool::Function),
        Some(&"custom") => function::custom(fields, NAME_LIMIT).map(Tool::Custom),
        Some(&"mcp") => mcp::mcp(fields).map(Box::new).map(Tool::Mcp),
        Some(kind) => hosted::hosted(kind, fields).map(Tool::Hosted),
        None => Err(ApiError::invalid_choice(&fields.at("type"), &kind, TYPES)),
    }
}

/// True for a type that the server may run.
pub(crate) fn is_server_type(kind: &str) -> bool {
    let other = ["file_search", "mcp", "image_generation", "code_interpreter", "agentic_search", "think"];
    other.contains(&kind) || kind == "web_search" || kind.starts_with("web_search_")
}
