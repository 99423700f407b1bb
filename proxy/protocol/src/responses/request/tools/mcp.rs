//! Remote MCP servers.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::{ApiError, INVALID_REQUEST};
use crate::read::{Fields, Path, string_at};
use crate::responses::tool::{AllowedTools, Approval, ApprovalFilters, McpTool, RequireApproval, ToolFilter};
use crate::secret::Secret;

const APPROVALS: &[(&str, Approval)] = &[("always", Approval::Always), ("never", Approval::Never)];

pub(super) fn mcp(mut fields: Fields<'_>) -> Result<McpTool, ApiError> {
    let server_label = fields.required_name("server_label", 64)?;
    let server_url = place(&mut fields)?;
    let authorization = fields.string("authorization")?.map(Secret::new);
    let headers = headers(&mut fields, authorization.is_some())?;
    let allowed_tools = allowed_tools(&mut fields)?;
    let require_approval = require_approval(&mut fields)?;
    let server_description = fields.string("server_description")?;
    let defer_loading = fields.boolean("defer_loading")?;
    let allowed_callers = fields.strings("allowed_callers")?;
    Ok(McpTool {
        server_label,
        server_url,
        authorization,
        headers,
        server_description,
        allowed_tools,
        require_approval,
        defer_loading,
        allowed_callers,
    })
}

/// Where the server is. A label alone names a configured one.
fn place(fields: &mut Fields<'_>) -> Result<Option<Secret>, ApiError> {
    let keys = ["server_url", "connector_id", "tunnel_id"];
    if keys.iter().filter(|key| fields.has(key)).count() > 1 {
        let message = format!(
            "Mutually exclusive parameters: '{}', '{}' and '{}'. Ensure you are only providing one of them.",
            fields.at(keys[0]),
            fields.at(keys[1]),
            fields.at(keys[2])
        );
        let error = ApiError::new(400, INVALID_REQUEST, message).with_param(&fields.path().to_string());
        return Err(error.with_code("mutually_exclusive_parameters"));
    }
    for key in &keys[1..] {
        if fields.has(key) {
            let param = fields.at(key);
            return Err(ApiError::unsupported_value(
                &param,
                format!("'{key}' is not supported; use 'server_url'."),
            ));
        }
    }
    let Some(text) = fields.string("server_url")? else { return Ok(None) };
    let is_web = url::Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !is_web {
        return Err(ApiError::invalid_value(&fields.at("server_url"), "expected an http or https URL."));
    }
    Ok(Some(Secret::new(text)))
}

fn headers(fields: &mut Fields<'_>, is_authorized: bool) -> Result<BTreeMap<String, Secret>, ApiError> {
    let given = fields.object("headers")?.unwrap_or_default();
    let path = fields.path().key("headers");
    let mut headers = BTreeMap::new();
    for (name, value) in given {
        if is_authorized && name.eq_ignore_ascii_case("authorization") {
            let message = format!(
                "Mutually exclusive parameters: '{}' and '{}'. Ensure you are only providing one of them.",
                fields.at("authorization"),
                path.key(&name)
            );
            return Err(ApiError::bad_request("mutually_exclusive_parameters", &path.to_string(), message));
        }
        let value = string_at(value, &path.key(&name))?;
        headers.insert(name, Secret::new(value));
    }
    Ok(headers)
}

fn allowed_tools(fields: &mut Fields<'_>) -> Result<Option<AllowedTools>, ApiError> {
    let given = fields.value("allowed_tools");
    let path = fields.path().key("allowed_tools");
    match given {
        None => Ok(None),
        Some(Value::Array(names)) => {
            let name = |(index, value)| string_at(value, &path.index(index));
            names
                .into_iter()
                .enumerate()
                .map(name)
                .collect::<Result<_, _>>()
                .map(AllowedTools::Names)
                .map(Some)
        }
        Some(given @ Value::Object(_)) => filter(given, path).map(AllowedTools::Filter).map(Some),
        Some(other) => Err(ApiError::invalid_type(&path.to_string(), "an array or an object", &other)),
    }
}

fn require_approval(fields: &mut Fields<'_>) -> Result<RequireApproval, ApiError> {
    let given = fields.value("require_approval");
    let path = fields.path().key("require_approval");
    match given {
        None => Ok(RequireApproval::default()),
        Some(Value::String(word)) => match APPROVALS.iter().find(|(known, _)| *known == word) {
            Some((_, approval)) => Ok(RequireApproval::All(*approval)),
            None => Err(ApiError::invalid_choice(&path.to_string(), &word, &["always", "never"])),
        },
        Some(given @ Value::Object(_)) => filters(Fields::new(given, path)?).map(RequireApproval::Filters),
        Some(other) => Err(ApiError::invalid_type(&path.to_string(), "a string or an object", &other)),
    }
}

fn filters(mut fields: Fields<'_>) -> Result<ApprovalFilters, ApiError> {
    let mut part = |key| {
        let given = fields.value(key);
        given.map(|given| filter(given, fields.path().key(key))).transpose()
    };
    let (always, never) = (part("always")?, part("never")?);
    closed(&fields)?;
    Ok(ApprovalFilters { always, never })
}

/// `{tool_names?, read_only?}`.
fn filter(given: Value, path: Path<'_>) -> Result<ToolFilter, ApiError> {
    let mut fields = Fields::new(given, path)?;
    let (tool_names, read_only) = (fields.strings("tool_names")?, fields.boolean("read_only")?);
    closed(&fields)?;
    Ok(ToolFilter { tool_names, read_only })
}

/// 400 if a field is left: a misspelt condition must not be passed over.
fn closed(fields: &Fields<'_>) -> Result<(), ApiError> {
    let Some(key) = fields.keys().next() else { return Ok(()) };
    let at = fields.at(key);
    Err(ApiError::bad_request("unknown_parameter", &at, format!("Unknown parameter: '{at}'.")))
}
