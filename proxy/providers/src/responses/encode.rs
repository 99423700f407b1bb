//! A model request as a turn of the Responses API.

use std::borrow::Cow;

use agent::model::{ModelChoice, ModelRequest, ModelTool, ToolInput};
use bytes::Bytes;
use protocol::Object;
use protocol::error::ApiError;
use protocol::responses::response::{ReasoningConfig, TextConfig, TextFormat};
use serde::Serialize;
use serde_json::Value;

use crate::free_text;
use crate::responses::items::{Input, items};

#[derive(Debug, Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    input: Vec<Input<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Text::is_default")]
    text: Text<'a>,
    #[serde(skip_serializing_if = "is_default")]
    reasoning: &'a ReasoningConfig,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    include: Vec<&'static str>,
    store: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(flatten)]
    sampling: Sampling,
    #[serde(flatten)]
    hints: Hints<'a>,
    #[serde(flatten)]
    native: &'a Object,
}

#[derive(Debug, Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    parameters: Option<Cow<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Choice<'a> {
    Word(&'static str),
    Function { r#type: &'static str, name: &'a str },
}

#[derive(Debug, Serialize)]
struct Text<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonObject,
    JsonSchema {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        schema: &'a Value,
        strict: bool,
    },
}

#[derive(Debug, Serialize)]
struct Sampling {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u8>,
}

#[derive(Debug, Serialize)]
struct Hints<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_retention: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
}

/// Errors: 400 `unsupported_value` for stop sequences, which this API lacks, and for items that only we understand.
pub(crate) fn encode(request: &ModelRequest) -> Result<Bytes, ApiError> {
    if !request.sampling.stop.is_empty() {
        return Err(ApiError::unsupported_value("stop", "This model does not take stop sequences."));
    }
    let has_tools = !request.tools.is_empty();
    let body = Body {
        model: &request.model,
        instructions: request.instructions.as_deref(),
        input: items(&request.items)?,
        tools: request.tools.iter().map(tool).collect(),
        tool_choice: if has_tools { choice(&request.tool_choice) } else { None },
        parallel_tool_calls: request.parallel_tool_calls.filter(|_| has_tools),
        text: text(&request.text),
        reasoning: &request.reasoning,
        include: include(request),
        store: false,
        stream: request.stream,
        sampling: sampling(request),
        hints: hints(request),
        native: &request.native,
    };
    let mut out = Vec::with_capacity(4096);
    match serde_json::to_writer(&mut out, &body) {
        Ok(()) => Ok(out.into()),
        Err(_) => Err(ApiError::internal()),
    }
}

fn include(request: &ModelRequest) -> Vec<&'static str> {
    let asked = [
        (request.encrypted_reasoning, "reasoning.encrypted_content"),
        (request.logprobs, "message.output_text.logprobs"),
    ];
    asked.into_iter().filter_map(|(is_asked, name)| is_asked.then_some(name)).collect()
}

fn sampling(request: &ModelRequest) -> Sampling {
    let given = &request.sampling;
    Sampling {
        max_output_tokens: given.max_output_tokens,
        temperature: given.temperature,
        top_p: given.top_p,
        presence_penalty: given.presence_penalty,
        frequency_penalty: given.frequency_penalty,
        top_logprobs: given.top_logprobs.filter(|top| *top > 0),
    }
}

fn hints(request: &ModelRequest) -> Hints<'_> {
    let given = &request.hints;
    Hints {
        user: given.user.as_deref(),
        safety_identifier: given.safety_identifier.as_deref(),
        prompt_cache_key: given.prompt_cache_key.as_deref(),
        prompt_cache_retention: given.prompt_cache_retention.as_deref(),
        service_tier: given.service_tier.as_deref(),
    }
}

fn choice(choice: &ModelChoice) -> Option<Choice<'_>> {
    match choice {
        ModelChoice::Auto => None,
        ModelChoice::None => Some(Choice::Word("none")),
        ModelChoice::Required => Some(Choice::Word("required")),
        ModelChoice::Tool(name) => Some(Choice::Function { r#type: "function", name }),
    }
}

fn tool(tool: &ModelTool) -> Tool<'_> {
    let (parameters, strict) = match &tool.input {
        ToolInput::Schema { parameters, strict } => (parameters.as_ref().map(Cow::Borrowed), *strict),
        ToolInput::Text { format } => (Some(Cow::Owned(free_text::schema(format.as_ref()))), Some(true)),
    };
    Tool {
        r#type: "function",
        name: &tool.name,
        description: tool.description.as_deref(),
        parameters,
        strict,
    }
}

fn text(config: &TextConfig) -> Text<'_> {
    let format = match &config.format {
        TextFormat::Text => None,
        TextFormat::JsonObject => Some(Format::JsonObject),
        TextFormat::JsonSchema { name, description, schema, strict } => {
            Some(Format::JsonSchema { name, description: description.as_deref(), schema, strict: *strict })
        }
    };
    Text { format, verbosity: Some(config.verbosity.as_str()).filter(|verbosity| *verbosity != "medium") }
}

impl Text<'_> {
    fn is_default(&self) -> bool {
        self.format.is_none() && self.verbosity.is_none()
    }
}

fn is_default(config: &&ReasoningConfig) -> bool {
    **config == ReasoningConfig::default()
}
