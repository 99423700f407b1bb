//! Built-in tools that a tool of an MCP server runs: the client sees the built-in tool, the server is called under its own rules.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use agent::model::{ModelTool, ToolInput};
use agent::tool::{Decision, ServerTool, ToolCall, ToolOutcome};
use async_trait::async_trait;
use protocol::Object;
use protocol::error::ApiError;
use protocol::responses::tool::HostedTool;
use serde_json::{Value, json};

use crate::builtin::{Builtin, Executor, Offer};
use crate::connected::{Connected, Performed};
use crate::governed::without_asking;
use crate::progress::Reporter;
use crate::web_search::filtered;

const RUNS: &str = "Runs Python code and returns what it prints. Use it to compute, to work with data, and to check results.";
const SEARCHES: &str = "Searches the web and returns what was found.";

/// Which built-in tool is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guise {
    /// `code_interpreter`.
    CodeInterpreter,
    /// `web_search`.
    WebSearch,
}

/// A tool of a server in the guise of a built-in one.
#[derive(Clone)]
pub struct Mapped {
    /// What clients and models see.
    pub guise: Guise,
    /// The server.
    pub server: Arc<Connected>,
    /// The tool by the server's own name.
    pub tool: String,
    /// The argument that takes the code or the query.
    pub argument: String,
    /// Further arguments, the same in every call.
    pub arguments: Object,
}

impl Guise {
    /// The name of the function that the model sees, unless the caller gives another one.
    fn name(self) -> &'static str {
        match self {
            Self::CodeInterpreter => "code_interpreter",
            Self::WebSearch => "web_search",
        }
    }

    /// The argument of that function.
    fn argument(self) -> &'static str {
        match self {
            Self::CodeInterpreter => "code",
            Self::WebSearch => "query",
        }
    }

    fn server_tool(self) -> ServerTool {
        match self {
            Self::CodeInterpreter => ServerTool::CodeInterpreter,
            Self::WebSearch => ServerTool::WebSearch,
        }
    }

    /// What the tool object asks for and no tool of a server can be told is refused, not ignored.
    fn check(self, tool: &HostedTool, param: &str) -> Result<(), ApiError> {
        let pointed = |path: &[&str]| {
            let (first, rest) = path.split_first()?;
            let found = rest.iter().try_fold(tool.fields.get(*first)?, |value, key| value.get(*key))?;
            Some((found.clone(), format!("{param}.{}", path.join("."))))
        };
        let is_given =
            |value: &Value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty());
        let refused = match self {
            Self::CodeInterpreter => pointed(&["container", "file_ids"]).filter(|(value, _)| is_given(value)),
            Self::WebSearch => filter(tool, param)?,
        };
        let offline = || match self {
            Self::CodeInterpreter => None,
            Self::WebSearch => {
                pointed(&["external_web_access"]).filter(|(value, _)| *value == Value::Bool(false))
            }
        };
        match refused.or_else(offline) {
            None => Ok(()),
            Some((_, param)) => {
                let message = format!("'{param}' is not available on this server.");
                Err(ApiError::unsupported_value(&param, message))
            }
        }
    }

    fn declaration(self, tool: &HostedTool) -> ModelTool {
        let (usual, about) = match self {
            Self::CodeInterpreter => (RUNS, "The code."),
            Self::WebSearch => (SEARCHES, "What to search for."),
        };
        let argument = self.argument();
        let parameters = json!({
            "type": "object",
            "properties": {argument: {"type": "string", "description": about}},
            "required": [argument],
            "additionalProperties": false,
        });
        ModelTool {
            name: tool.text("alias").unwrap_or_else(|| self.name()).to_owned(),
            description: Some(tool.text("alias_description").unwrap_or(usual).to_owned()),
            input: ToolInput::Schema { parameters: Some(parameters), strict: Some(true) },
        }
    }
}

/// The first list of domains that says something, and where it is.
///
/// Errors: 400 for what is no list.
fn filter(tool: &HostedTool, param: &str) -> Result<Option<(Value, String)>, ApiError> {
    for key in ["allowed_domains", "blocked_domains"] {
        let domains = filtered(tool, key, param)?;
        if !domains.is_empty() {
            return Ok(Some((domains.into(), format!("{param}.filters.{key}"))));
        }
    }
    Ok(None)
}

impl Mapped {
    /// The call as the server is sent it; `None` if the model left out what it has to give.
    fn translated(&self, call: &ToolCall) -> Option<ToolCall> {
        let mut given = serde_json::from_str::<Object>(&call.arguments).ok()?;
        let text = given.shift_remove(self.guise.argument()).filter(Value::is_string)?;
        let mut arguments = self.arguments.clone();
        arguments.insert(self.argument.clone(), text);
        Some(ToolCall { arguments: Value::Object(arguments).to_string(), ..call.clone() })
    }

    /// What the client's item shows.
    fn shown(&self, call: &ToolCall, performed: &Performed) -> Object {
        let shown = match self.guise {
            Guise::CodeInterpreter => json!({"outputs": outputs(performed)}),
            Guise::WebSearch => {
                let query = serde_json::from_str::<Object>(&call.arguments).ok();
                let query =
                    query.and_then(|given| given.get(self.guise.argument()).cloned()).unwrap_or_default();
                json!({
                    "action": {"type": "search", "query": query, "queries": [query]},
                    "results": [{"text": performed.outcome.output}],
                })
            }
        };
        match shown {
            Value::Object(shown) => shown,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Object::new()
            }
        }
    }
}

/// What the code printed, then the images that it made.
fn outputs(performed: &Performed) -> Vec<Value> {
    let logs = json!({"type": "logs", "logs": performed.said});
    let images = performed.images.iter().map(|image| {
        let url = format!("data:{};base64,{}", image.media_type, image.data);
        json!({"type": "image", "url": url})
    });
    [logs].into_iter().chain(images).collect()
}

impl Builtin for Mapped {
    fn offer(&self, tool: &HostedTool, param: &str) -> Result<Vec<Offer>, ApiError> {
        self.guise.check(tool, param)?;
        if !self.server.may_offer(&self.tool) {
            return Ok(Vec::new());
        }
        let model = self.guise.declaration(tool);
        Ok(vec![Offer { model, tool: self.guise.server_tool(), executor: Arc::new(self.clone()) }])
    }
}

#[async_trait]
impl Executor for Mapped {
    fn label(&self) -> &'static str {
        self.guise.name()
    }

    fn decide(&self, call: &ToolCall) -> Decision {
        let Some(translated) = self.translated(call) else { return Decision::Run }; // it fails without the server
        without_asking(self.server.verdict(&self.tool, &translated))
    }

    async fn execute(&self, call: &ToolCall, _: &Reporter) -> ToolOutcome {
        let Some(translated) = self.translated(call) else {
            return ToolOutcome::failure(format!("The arguments need a text '{}'.", self.guise.argument()));
        };
        let performed = self.server.perform(&self.tool, &translated).await;
        let shown = self.shown(call, &performed);
        ToolOutcome { shown, error: None, ..performed.outcome }
    }
}
