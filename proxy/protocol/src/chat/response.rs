//! The completion object.

mod citation;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::responses::content::Content;
use crate::responses::item::Item;
use crate::responses::response::{Response, Status};
use crate::responses::usage::Usage;
use crate::{Object, tags};

pub use citation::cited;

tags! {
    /// `chat.completion`.
    CompletionTag = "chat.completion";
    /// `assistant`.
    AssistantTag = "assistant";
}

/// What separates two messages of one turn, which the client sees as one.
pub(crate) const BREAK: &str = "\n\n";

/// A completion; `id` comes first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// `chatcmpl-…`.
    pub id: String,
    /// The constant `chat.completion`.
    pub object: CompletionTag,
    /// Seconds since 1970.
    pub created: i64,
    /// The model that answers.
    pub model: String,
    /// One entry per choice.
    pub choices: Vec<Choice>,
    /// Tokens; the sum over all calls of the model.
    pub usage: Option<ChatUsage>,
    /// The tier that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// One choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Its place, from 0.
    pub index: u64,
    /// What the model said.
    pub message: AssistantMessage,
    /// `{content, refusal}`, or null.
    #[serde(default)]
    pub logprobs: Option<Value>,
    /// Why it ended.
    pub finish_reason: FinishReason,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// Why a choice ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model was done.
    Stop,
    /// A limit was reached.
    Length,
    /// The client shall run calls.
    ToolCalls,
    /// A filter cut the answer off.
    ContentFilter,
    /// The client shall run a call, in the deprecated form.
    FunctionCall,
}

/// What the model said; `content` and `refusal` are always there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AssistantMessage {
    /// The constant `assistant`.
    pub role: AssistantTag,
    /// The text.
    #[serde(default)]
    pub content: Option<String>,
    /// Why the model refuses.
    #[serde(default)]
    pub refusal: Option<String>,
    /// Citations; offsets count Unicode code points of `content`.
    #[serde(default)]
    pub annotations: Vec<Value>,
    /// Calls that the client runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The deprecated form of a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_call: Option<CalledFunction>,
    /// Unknown fields, `reasoning_content` among them.
    #[serde(flatten)]
    pub rest: Object,
}

/// A call that the client runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToolCall {
    /// Of a function.
    Function {
        /// `call_…`.
        id: String,
        /// Name and arguments.
        function: CalledFunction,
    },
    /// Of a custom tool.
    Custom {
        /// `call_…`.
        id: String,
        /// Name and input.
        custom: CalledCustom,
    },
}

/// The name of a function and a JSON text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledFunction {
    /// The function.
    pub name: String,
    /// A JSON text, as the model wrote it.
    pub arguments: String,
}

/// The name of a custom tool and free text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledCustom {
    /// The tool.
    pub name: String,
    /// Free text.
    pub input: String,
}

/// Token counts in the words of Chat Completions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatUsage {
    /// Tokens that the model read.
    pub prompt_tokens: u64,
    /// Tokens that the model wrote.
    pub completion_tokens: u64,
    /// The sum of both.
    pub total_tokens: u64,
    /// Parts of `prompt_tokens`.
    #[serde(default)]
    pub prompt_tokens_details: PromptDetails,
    /// Parts of `completion_tokens`.
    #[serde(default)]
    pub completion_tokens_details: CompletionDetails,
}

/// Parts of the prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PromptDetails {
    /// Read from the provider's prompt cache.
    pub cached_tokens: u64,
    /// Written to the provider's prompt cache.
    pub cache_write_tokens: u64,
    /// Heard.
    pub audio_tokens: u64,
}

/// Parts of the completion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompletionDetails {
    /// Spent on reasoning.
    pub reasoning_tokens: u64,
    /// Spoken.
    pub audio_tokens: u64,
    /// Of a prediction, used.
    pub accepted_prediction_tokens: u64,
    /// Of a prediction, not used.
    pub rejected_prediction_tokens: u64,
}

impl From<Usage> for ChatUsage {
    fn from(usage: Usage) -> Self {
        let input = usage.input_tokens_details;
        Self {
            prompt_tokens: usage.input_tokens,
            completion_tokens: usage.output_tokens,
            total_tokens: usage.total_tokens,
            prompt_tokens_details: PromptDetails {
                cached_tokens: input.cached_tokens,
                cache_write_tokens: input.cache_write_tokens,
                audio_tokens: 0,
            },
            completion_tokens_details: CompletionDetails {
                reasoning_tokens: usage.output_tokens_details.reasoning_tokens,
                ..CompletionDetails::default()
            },
        }
    }
}

impl From<ChatUsage> for Usage {
    fn from(usage: ChatUsage) -> Self {
        let mut ours = Self::new(usage.prompt_tokens, usage.completion_tokens);
        ours.input_tokens_details.cached_tokens = usage.prompt_tokens_details.cached_tokens;
        ours.input_tokens_details.cache_write_tokens = usage.prompt_tokens_details.cache_write_tokens;
        ours.output_tokens_details.reasoning_tokens = usage.completion_tokens_details.reasoning_tokens;
        ours
    }
}

impl Completion {
    /// The completion of a finished turn. Calls that the server ran do not show; `is_legacy` answers calls as `function_call`.
    pub fn of(response: &Response, id: &str, is_legacy: bool) -> Self {
        let mut message = said(&response.output);
        let finish_reason = FinishReason::of(response, is_legacy);
        if is_legacy {
            message.function_call = message.tool_calls.drain(..).find_map(function);
        }
        let logprobs = logprobs(&response.output);
        let choice = Choice { index: 0, message, logprobs, finish_reason, rest: Object::new() };
        Self {
            id: id.to_owned(),
            object: CompletionTag,
            created: response.created_at,
            model: response.model.clone(),
            choices: vec![choice],
            usage: response.usage.map(ChatUsage::from),
            service_tier: Some(response.service_tier.clone()),
            rest: Object::new(),
        }
    }
}

impl FinishReason {
    /// Why a finished turn ended, in the words of Chat Completions.
    pub fn of(response: &Response, is_legacy: bool) -> Self {
        if response.status == Status::Incomplete {
            let reason = response.incomplete_details.as_ref().map(|details| details.reason.as_str());
            return if reason == Some("content_filter") { Self::ContentFilter } else { Self::Length };
        }
        match response
            .output
            .iter()
            .any(|item| matches!(item, Item::FunctionCall(_) | Item::CustomToolCall(_)))
        {
            true if is_legacy => Self::FunctionCall,
            true => Self::ToolCalls,
            false => Self::Stop,
        }
    }
}

fn function(call: ToolCall) -> Option<CalledFunction> {
    match call {
        ToolCall::Function { function, .. } => Some(function),
        ToolCall::Custom { .. } => None,
    }
}

/// All messages of a turn as one, with the client's calls.
fn said(output: &[Item]) -> AssistantMessage {
    let (mut message, mut thought) = (AssistantMessage::default(), String::new());
    for item in output {
        if let Item::Message(item) = item {
            if let Some(text) = message.content.as_mut().filter(|text| !text.is_empty()) {
                text.push_str(BREAK);
            }
            item.content.iter().for_each(|part| add(&mut message, part));
        } else if let Item::Reasoning(item) = item {
            thought.extend(item.content.iter().filter_map(Content::text));
        }
        message.tool_calls.extend(client_call(item));
    }
    if !thought.is_empty() {
        message.rest.insert("reasoning_content".to_owned(), Value::String(thought));
    }
    message
}

fn client_call(item: &Item) -> Option<ToolCall> {
    if let Item::FunctionCall(call) = item {
        let function = CalledFunction { name: call.name.clone(), arguments: call.arguments.clone() };
        return Some(ToolCall::Function { id: call.call_id.clone(), function });
    }
    let Item::CustomToolCall(call) = item else { return None };
    let custom = CalledCustom { name: call.name.clone(), input: call.input.clone() };
    Some(ToolCall::Custom { id: call.call_id.clone(), custom })
}

fn add(message: &mut AssistantMessage, part: &Content) {
    match part {
        Content::OutputText(part) => {
            let text = message.content.get_or_insert_default();
            let offset = text.chars().count();
            text.push_str(&part.text);
            message.annotations.extend(part.annotations.iter().map(|annotation| cited(annotation, offset)));
        }
        Content::Refusal(part) => message.refusal.get_or_insert_default().push_str(&part.refusal),
        Content::InputText(_)
        | Content::InputImage(_)
        | Content::InputFile(_)
        | Content::ReasoningText(_)
        | Content::SummaryText(_)
        | Content::Other(_) => {}
    }
}

fn logprobs(output: &[Item]) -> Option<Value> {
    let mut all = Vec::new();
    for item in output {
        let Item::Message(message) = item else { continue };
        for part in &message.content {
            let Content::OutputText(text) = part else { continue };
            all.extend(&text.logprobs);
        }
    }
    (!all.is_empty()).then(|| serde_json::json!({"content": all, "refusal": null}))
}

#[cfg(test)]
pub(crate) mod tests;
