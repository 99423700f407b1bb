//! Remote MCP servers. Credentials stay in the tool for its executor; [`HostedTool::echo`] hides them.
//!
//! [`HostedTool::echo`]: crate::responses::tool::HostedTool::echo

use serde_json::Value;

use crate::Object;
use crate::error::{ApiError, INVALID_REQUEST};
use crate::read::{Fields, Path};

const APPROVALS: &[&str] = &["always", "never"];

pub(super) fn mcp(fields: &mut Fields<'_>) -> Result<Object, ApiError> {
    let label = fields.required_name("server_label", 64)?;
    let url = place(fields)?;
    let authorization = fields.string("authorization")?;
    let headers = fields.object("headers")?;
    check_headers(fields, headers.as_ref(), authorization.is_some())?;
    let allowed = fields.value("allowed_tools");
    check_allowed(allowed.as_ref(), &fields.path().key("allowed_tools"))?;
    let approval = fields.value("require_approval").unwrap_or_else(|| Value::from("always"));
    check_approval(&approval, &fields.path().key("require_approval"))?;
    let description = fields.string("server_description")?;
    let known = [
        ("server_label", Value::String(label)),
        ("server_url", url.into()),
        ("allowed_tools", allowed.unwrap_or_default()),
        ("headers", headers.map(Value::Object).into()),
        ("authorization", authorization.into()),
        ("require_approval", approval),
        ("server_description", description.into()),
    ];
    let keep = |(key, value): &(&str, Value)| *key != "authorization" || !value.is_null();
    Ok(known.into_iter().filter(keep).map(|(key, value)| (key.to_owned(), value)).collect())
}

/// Where the server is. A label alone names a configured one.
fn place(fields: &mut Fields<'_>) -> Result<Option<String>, ApiError> {
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
    fields.string("server_url")
}

fn check_headers(fields: &Fields<'_>, headers: Option<&Object>, authorized: bool) -> Result<(), ApiError> {
    let path = fields.path().key("headers");
    for (name, value) in headers.into_iter().flatten() {
        if !value.is_string() {
            return Err(ApiError::invalid_type(&path.key(name).to_string(), "a string", value));
        }
        if authorized && name.eq_ignore_ascii_case("authorization") {
            let message = format!(
                "Mutually exclusive parameters: '{}' and '{}'. Ensure you are only providing one of them.",
                fields.at("authorization"),
                path.key(name)
            );
            return Err(ApiError::bad_request("mutually_exclusive_parameters", &path.to_string(), message));
        }
    }
    Ok(())
}

fn check_allowed(allowed: Option<&Value>, path: &Path<'_>) -> Result<(), ApiError> {
    match allowed {
        None => Ok(()),
        Some(Value::Array(names)) => check_names(names, path),
        Some(filter @ Value::Object(_)) => check_filter(filter, path),
        Some(other) => Err(ApiError::invalid_type(&path.to_string(), "an array or an object", other)),
    }
}

fn check_approval(approval: &Value, path: &Path<'_>) -> Result<(), ApiError> {
    if let Value::Object(filters) = approval {
        let mut known = filters.iter().filter(|(key, _)| APPROVALS.contains(&key.as_str()));
        return known.try_for_each(|(key, filter)| check_filter(filter, &path.key(key)));
    }
    match approval.as_str() {
        Some(word) if APPROVALS.contains(&word) => Ok(()),
        Some(word) => Err(ApiError::invalid_choice(&path.to_string(), word, APPROVALS)),
        None => Err(ApiError::invalid_type(&path.to_string(), "a string or an object", approval)),
    }
}

/// `{tool_names?, read_only?}`, or null.
fn check_filter(filter: &Value, path: &Path<'_>) -> Result<(), ApiError> {
    if filter.is_null() {
        return Ok(());
    }
    let mut filter = Fields::new(filter.clone(), *path)?;
    filter.strings("tool_names")?;
    filter.boolean("read_only")?;
    Ok(())
}

fn check_names(names: &[Value], path: &Path<'_>) -> Result<(), ApiError> {
    match names.iter().position(|name| !name.is_string()) {
        Some(index) => Err(ApiError::invalid_type(&path.index(index).to_string(), "a string", &names[index])),
        None => Ok(()),
    }
}
