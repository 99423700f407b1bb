//! `think`: lets the model write a thought down between its calls. The thought is shown as reasoning.

use agent::model::{ModelTool, ToolInput};
use agent::tool::{ToolCall, ToolOutcome};
use async_trait::async_trait;
use serde_json::json;

use crate::progress::Reporter;
use crate::toolbox::Executor;

const DESCRIPTION: &str = "Write down a thought. It fetches nothing and changes nothing; use it to reason step by step \
before you call other tools or answer.";
const ACKNOWLEDGEMENT: &str = "The thought has been noted. Go on.";

/// The executor.
#[derive(Debug)]
pub struct Think;

/// The function that the model sees, under the caller's `alias` if there is one.
pub(crate) fn declaration(name: String, description: Option<String>) -> ModelTool {
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
