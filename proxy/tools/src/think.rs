//! `think`: lets the model write a thought down between its calls. The thought is shown as reasoning.

use std::sync::Arc;

use agent::model::{ModelTool, ToolInput};
use agent::tool::{ServerTool, ToolCall, ToolOutcome};
use async_trait::async_trait;
use protocol::error::ApiError;
use protocol::responses::tool::HostedTool;
use serde_json::{Value, json};

use crate::builtin::{Builtin, Executor, Offer};
use crate::progress::Reporter;

const DESCRIPTION: &str = "Write down a thought. It fetches nothing and changes nothing; use it to reason step by step \
before you call other tools or answer.";
const ACKNOWLEDGEMENT: &str = "The thought has been noted. Go on.";

/// The tool and its executor.
#[derive(Debug)]
pub struct Think;

impl Builtin for Think {
    fn offer(&self, tool: &HostedTool, _param: &str) -> Result<Vec<Offer>, ApiError> {
        let text = |key: &str| tool.fields.get(key).and_then(Value::as_str).map(str::to_owned);
        let name = text("alias").unwrap_or_else(|| "think".to_owned());
        let model = declaration(name, text("alias_description"));
        Ok(vec![Offer { model, tool: ServerTool::Think, executor: Arc::new(Self) }])
    }
}

/// The function that the model sees, under the caller's `alias` if there is one.
fn declaration(name: String, description: Option<String>) -> ModelTool {
    let parameters = json!({
        "type": "object",
        "properties": {"thought": {"type": "string", "description": "The thought."}},
        "required": ["thought"],
        "additionalProperties": false,
    });
    let description = Some(description.unwrap_or_else(|| DESCRIPTION.to_owned()));
    ModelTool {
        name,
        description,
        input: ToolInput::Schema { parameters: Some(parameters), strict: Some(true) },
    }
}

#[async_trait]
impl Executor for Think {
    fn label(&self) -> &'static str {
        "think"
    }

    async fn execute(&self, _call: &ToolCall, _progress: &Reporter) -> ToolOutcome {
        ToolOutcome::text(ACKNOWLEDGEMENT)
    }
}
