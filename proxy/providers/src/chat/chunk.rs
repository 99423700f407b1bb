//! What a Chat Completions server sends: a chunk of a stream or a whole completion, in one tolerant form.

use protocol::responses::usage::{InputDetails, OutputDetails, Usage};
use serde::Deserialize;
use serde_json::Value;

use crate::lenient::{JsonText, Text, TextOr};

#[derive(Debug, Deserialize)]
pub(crate) struct Chunk<'a> {
    #[serde(borrow)]
    pub(crate) model: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) choices: Option<Vec<Choice<'a>>>,
    pub(crate) usage: Option<Counts>,
    pub(crate) x_groq: Option<Nested>,
    #[serde(borrow)]
    pub(crate) metadata: Option<TextOr<'a, Nested>>,
    pub(crate) timings: Option<Timings>,
    pub(crate) error: Option<Value>,
    #[serde(borrow)]
    pub(crate) object: Option<JsonText<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Choice<'a> {
    pub(crate) index: Option<i64>,
    #[serde(borrow)]
    pub(crate) delta: Option<Delta<'a>>,
    #[serde(borrow)]
    pub(crate) message: Option<Delta<'a>>,
    #[serde(borrow)]
    pub(crate) finish_reason: Option<Text<'a>>,
    pub(crate) logprobs: Option<Logprobs>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Delta<'a> {
    #[serde(borrow)]
    pub(crate) content: Option<TextOr<'a, Part<'a>>>,
    #[serde(borrow)]
    pub(crate) refusal: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) reasoning_content: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) reasoning: Option<TextOr<'a, Part<'a>>>,
    #[serde(borrow)]
    pub(crate) reasoning_details: Option<Vec<Detail<'a>>>,
    #[serde(borrow)]
    pub(crate) tool_calls: Option<Vec<ToolDelta<'a>>>,
    #[serde(borrow)]
    pub(crate) function_call: Option<Function<'a>>,
    pub(crate) annotations: Option<Vec<Value>>,
}

/// A part of content, such as `{type:"text",text}` or `{type:"thinking",thinking:[…]}`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Part<'a> {
    #[serde(borrow)]
    pub(crate) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) content: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) thinking: Option<TextOr<'a, ThinkingPart<'a>>>,
    #[serde(borrow)]
    pub(crate) refusal: Option<Text<'a>>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ThinkingPart<'a> {
    #[serde(borrow)]
    pub(crate) text: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Detail<'a> {
    #[serde(borrow)]
    pub(crate) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) summary: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ToolDelta<'a> {
    pub(crate) index: Option<i64>,
    #[serde(borrow)]
    pub(crate) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) function: Option<Function<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Function<'a> {
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) arguments: Option<JsonText<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Logprobs {
    pub(crate) content: Option<Vec<Value>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Nested {
    pub(crate) usage: Option<Counts>,
}

/// Tokens as upstreams count them.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Counts {
    prompt_tokens: Option<u64>,
    input_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    output_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_tokens_details: Option<CountDetails>,
    input_tokens_details: Option<CountDetails>,
    completion_tokens_details: Option<CountDetails>,
    output_tokens_details: Option<CountDetails>,
    prompt_cache_hit_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
struct CountDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
}

/// What llama.cpp counts.
#[derive(Debug, Deserialize)]
pub(crate) struct Timings {
    prompt_n: Option<u64>,
    predicted_n: Option<u64>,
    cache_n: Option<u64>,
}

impl Chunk<'_> {
    /// The tokens, wherever they stand; absent if nothing was counted.
    pub(crate) fn usage(&self) -> Option<Usage> {
        let groq = || self.x_groq.as_ref().and_then(|nested| nested.usage.as_ref());
        let metadata = || match self.metadata.as_ref()? {
            TextOr::Parts(parts) => parts.first()?.usage.as_ref(),
            TextOr::Text(_) => None,
        };
        let counted = self.usage.as_ref().or_else(groq).or_else(metadata).and_then(Counts::normalised);
        counted.or_else(|| self.timings.as_ref().and_then(Timings::normalised))
    }
}

impl Counts {
    /// Input with the cached tokens, output with those of reasoning.
    pub(crate) fn normalised(&self) -> Option<Usage> {
        let input = self.prompt_tokens.or(self.input_tokens).unwrap_or(0);
        let mut output = self.completion_tokens.or(self.output_tokens).unwrap_or(0);
        if input == 0 && output == 0 {
            return None;
        }
        let read = self.prompt_tokens_details.as_ref().or(self.input_tokens_details.as_ref());
        let cached = read.and_then(|read| read.cached_tokens).or(self.prompt_cache_hit_tokens).unwrap_or(0);
        let written = read.and_then(|read| read.cache_write_tokens).unwrap_or(0);
        let wrote = self.completion_tokens_details.as_ref().or(self.output_tokens_details.as_ref());
        let thought = wrote.and_then(|wrote| wrote.reasoning_tokens).unwrap_or(0);
        let with_thoughts = input.saturating_add(output).saturating_add(thought);
        if thought > 0 && self.total_tokens == Some(with_thoughts) {
            output = output.saturating_add(thought); // xAI counts reasoning beside the output
        }
        Some(Usage {
            input_tokens_details: InputDetails { cached_tokens: cached, cache_write_tokens: written },
            output_tokens_details: OutputDetails { reasoning_tokens: thought },
            ..Usage::new(input, output)
        })
    }
}

impl Timings {
    fn normalised(&self) -> Option<Usage> {
        let cached = self.cache_n.unwrap_or(0);
        let (read, written) = (self.prompt_n? + cached, self.predicted_n?);
        let input_tokens_details = InputDetails { cached_tokens: cached, cache_write_tokens: 0 };
        Some(Usage { input_tokens_details, ..Usage::new(read, written) })
    }
}
