//! A model request as Chat Completions.

use std::borrow::Cow;

use agent::model::{ModelChoice, ModelRequest, ModelTool, ToolInput};
use bytes::Bytes;
use protocol::error::ApiError;
use protocol::responses::response::TextFormat;
use serde_json::json;

use crate::chat::body::{
    Body, Choice, Format, Function, Hints, Named, Sampling, Schema, StreamOptions, Tool,
};
use crate::chat::messages::messages;
use crate::free_text;
use crate::profile::{MaxTokens, Profile, Seed};

/// Errors: 400 with what the upstream cannot do.
pub(crate) fn encode(request: &ModelRequest, profile: &Profile) -> Result<Bytes, ApiError> {
    let is_asked_for_usage = request.stream && profile.stream_options;
    let has_tools = !request.tools.is_empty();
    let body = Body {
        model: &request.model,
        messages: messages(request, profile)?,
        tools: request.tools.iter().map(tool).collect(),
        tool_choice: if has_tools { choice(&request.tool_choice, profile) } else { None },
        parallel_tool_calls: request.parallel_tool_calls.filter(|_| has_tools && profile.parallel_tool_calls),
        response_format: format(&request.text.format, profile)?,
        verbosity: Some(request.text.verbosity.as_str()).filter(|verbosity| *verbosity != "medium"),
        reasoning_effort: request.reasoning.effort.as_deref(),
        sampling: sampling(request, profile)?,
        hints: hints(request, profile),
        stream: request.stream,
        stream_options: is_asked_for_usage.then_some(StreamOptions { include_usage: true }),
    };
    let mut out = Vec::with_capacity(4096);
    match serde_json::to_writer(&mut out, &body) {
        Ok(()) => Ok(out.into()),
        Err(_) => Err(ApiError::internal()),
    }
}

fn sampling<'a>(request: &'a ModelRequest, profile: &Profile) -> Result<Sampling<'a>, ApiError> {
    let given = &request.sampling;
    let top_logprobs = given.top_logprobs.filter(|top| *top > 0);
    let logprobs = request.logprobs || top_logprobs.is_some();
    if logprobs && !profile.logprobs {
        let message = "This model does not give token probabilities.";
        return Err(ApiError::unsupported_value("top_logprobs", message));
    }
    let is_free = !profile.is_fixed(&request.model);
    let has_penalties = is_free && profile.penalties;
    let max = |name| given.max_output_tokens.filter(|_| profile.max_tokens == name);
    let seed = |name| given.seed.filter(|_| profile.seed == name);
    Ok(Sampling {
        max_tokens: max(MaxTokens::MaxTokens),
        max_completion_tokens: max(MaxTokens::MaxCompletionTokens),
        temperature: given.temperature.filter(|_| is_free),
        top_p: given.top_p.filter(|_| is_free),
        presence_penalty: given.presence_penalty.filter(|_| has_penalties),
        frequency_penalty: given.frequency_penalty.filter(|_| has_penalties),
        stop: &given.stop,
        seed: seed(Seed::Seed),
        random_seed: seed(Seed::RandomSeed),
        logprobs,
        top_logprobs,
    })
}

fn hints<'a>(request: &'a ModelRequest, profile: &Profile) -> Hints<'a> {
    let given = &request.hints;
    Hints {
        user: given.user.as_deref().filter(|_| profile.user),
        safety_identifier: given.safety_identifier.as_deref().filter(|_| profile.user),
        prompt_cache_key: given.prompt_cache_key.as_deref().filter(|_| profile.prompt_cache),
        prompt_cache_retention: given.prompt_cache_retention.as_deref().filter(|_| profile.prompt_cache),
        service_tier: given.service_tier.as_deref().filter(|_| profile.service_tier),
    }
}

fn choice<'a>(choice: &'a ModelChoice, profile: &Profile) -> Option<Choice<'a>> {
    match choice {
        ModelChoice::Auto => None,
        ModelChoice::None => Some(Choice::Word("none")),
        ModelChoice::Required => Some(Choice::Word(profile.required)),
        ModelChoice::Tool(name) => Some(Choice::Function { r#type: "function", function: Named { name } }),
    }
}

fn format<'a>(format: &'a TextFormat, profile: &Profile) -> Result<Option<Format<'a>>, ApiError> {
    match format {
        TextFormat::Text => Ok(None),
        TextFormat::JsonObject => Ok(Some(Format::JsonObject)),
        TextFormat::JsonSchema { .. } if !profile.json_schema => {
            let message = "This model does not take a JSON schema; 'json_object' is supported.";
            Err(ApiError::unsupported_value("text.format", message))
        }
        TextFormat::JsonSchema { name, description, schema, strict } => {
            let json_schema = Schema { name, description: description.as_deref(), schema, strict: *strict };
            Ok(Some(Format::JsonSchema { json_schema }))
        }
    }
}

fn tool(tool: &ModelTool) -> Tool<'_> {
    let (parameters, strict) = match &tool.input {
        ToolInput::Schema { parameters: Some(schema), strict } => {
            (Cow::Borrowed(schema), strict.unwrap_or(false))
        }
        ToolInput::Schema { parameters: None, .. } => {
            (Cow::Owned(json!({"type": "object", "properties": {}})), false)
        }
        ToolInput::Text { format } => (Cow::Owned(free_text::schema(format.as_ref())), false),
    };
    let (name, description) = (tool.name.as_str(), tool.description.as_deref());
    Tool { r#type: "function", function: Function { name, description, parameters, strict } }
}
