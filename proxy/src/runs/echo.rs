//! The response object at the start of a turn: the request's values with their defaults.

use protocol::Object;
use protocol::responses::request::CreateResponse;
use protocol::responses::response::{Response, ResponseTag, Status};

/// Builds the echo; `id` was minted, `now` is seconds since 1970.
pub fn of(request: &CreateResponse, id: String, now: i64) -> Response {
    Response {
        id,
        object: ResponseTag,
        created_at: now,
        status: Status::InProgress,
        background: request.background,
        completed_at: None,
        error: None,
        incomplete_details: None,
        instructions: request.instructions.clone(),
        max_output_tokens: request.max_output_tokens,
        max_tool_calls: request.max_tool_calls,
        model: request.model.clone(),
        output: Vec::new(),
        parallel_tool_calls: request.parallel_tool_calls.unwrap_or(true),
        previous_response_id: request.previous_response_id.clone(),
        conversation: None,
        prompt: None,
        prompt_cache_key: request.prompt_cache_key.clone(),
        prompt_cache_retention: request.prompt_cache_retention.clone(),
        reasoning: request.reasoning.clone(),
        safety_identifier: request.safety_identifier.clone(),
        service_tier: request.service_tier.clone().unwrap_or_else(|| "auto".to_owned()),
        store: request.store,
        temperature: request.temperature.unwrap_or(1.0),
        text: request.text.clone(),
        tool_choice: request.tool_choice.clone(),
        tools: request.tools.clone(),
        top_logprobs: request.top_logprobs.unwrap_or(0),
        top_p: request.top_p.unwrap_or(1.0),
        presence_penalty: request.presence_penalty.unwrap_or(0.0),
        frequency_penalty: request.frequency_penalty.unwrap_or(0.0),
        truncation: request.truncation,
        usage: None,
        user: request.user.clone(),
        metadata: request.metadata.clone(),
        moderation: None,
        rest: Object::new(),
    }
}
