//! A chat request as a turn of the Responses API, for requests that offer tools of the server.

mod items;

use crate::chat::request::{ChatRequest, Options};
use crate::error::ApiError;
use crate::responses::request::{CreateResponse, Include};
use crate::responses::response::{ReasoningConfig, TextConfig};
use crate::responses::tool::{Approval, RequireApproval, Tool};

/// A chat request as a turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// The turn. It is never stored as a response: what is stored is the completion.
    pub request: CreateResponse,
    /// Sampling that the Responses API lacks: at most four texts that end the answer.
    pub stop: Vec<String>,
    /// Sampling that the Responses API lacks.
    pub seed: Option<i64>,
}

/// Converts a request. Server tools come first in `tools`, then the client's.
///
/// Errors: 400 `unsupported_value` for what one turn cannot give: several choices, audio, tools that need an approval,
/// parts of messages that have no counterpart.
pub fn convert(request: &ChatRequest) -> Result<Converted, ApiError> {
    refuse(request)?;
    let Options { stop, seed, .. } = &request.options;
    let input = items::items(request.messages())?;
    let tools = [request.server_tools.as_slice(), &request.client_tools].concat();
    let base = CreateResponse {
        model: request.model.clone(),
        input,
        tools,
        stream: request.stream,
        include_obfuscation: request.include_obfuscation,
        store: false,
        ..CreateResponse::default()
    };
    Ok(Converted { request: with_options(base, &request.options), stop: stop.clone(), seed: *seed })
}

fn with_options(base: CreateResponse, options: &Options) -> CreateResponse {
    let options = options.clone();
    let mut text = TextConfig { format: options.format, ..TextConfig::default() };
    if let Some(verbosity) = options.verbosity {
        text.verbosity = verbosity;
    }
    CreateResponse {
        tool_choice: options.tool_choice,
        parallel_tool_calls: options.parallel_tool_calls,
        max_output_tokens: options.max_output_tokens,
        temperature: options.temperature,
        top_p: options.top_p,
        presence_penalty: options.presence_penalty,
        frequency_penalty: options.frequency_penalty,
        top_logprobs: options.top_logprobs,
        reasoning: ReasoningConfig { effort: options.reasoning_effort, ..ReasoningConfig::default() },
        text,
        include: if options.logprobs { vec![Include::Logprobs] } else { Vec::new() },
        service_tier: options.service_tier,
        safety_identifier: options.safety_identifier,
        prompt_cache_key: options.prompt_cache_key,
        prompt_cache_retention: options.prompt_cache_retention,
        user: options.user,
        ..base
    }
}

fn refuse(request: &ChatRequest) -> Result<(), ApiError> {
    let refused = |param: &str, what: &str| {
        let message = if request.server_tools.is_empty() {
            format!("{what} are not available for this model.")
        } else {
            format!("{what} cannot be combined with tools that the server runs.")
        };
        Err(ApiError::unsupported_value(param, message))
    };
    if request.n > 1 {
        return refused("n", "Several choices");
    }
    if request.options.wants_audio {
        return refused("modalities", "Spoken answers");
    }
    if request.server_tools.iter().any(needs_approval) {
        let message = "Chat Completions cannot ask for approval: set 'require_approval' to 'never'.";
        return Err(ApiError::unsupported_value("tools", message));
    }
    Ok(())
}

fn needs_approval(tool: &Tool) -> bool {
    let Tool::Mcp(tool) = tool else { return false };
    tool.require_approval != RequireApproval::All(Approval::Never)
}

#[cfg(test)]
mod tests;
