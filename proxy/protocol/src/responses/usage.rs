//! Token counts.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Tokens of a response: the sum over all calls of the model. All five fields are always sent.
///
/// Units: tokens. `input_tokens` includes cached ones, `output_tokens` includes reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens that the model read.
    pub input_tokens: u64,
    /// Parts of `input_tokens`.
    #[serde(default)]
    pub input_tokens_details: InputDetails,
    /// Tokens that the model wrote.
    pub output_tokens: u64,
    /// Parts of `output_tokens`.
    #[serde(default)]
    pub output_tokens_details: OutputDetails,
    /// The sum of both.
    pub total_tokens: u64,
}

/// Parts of the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputDetails {
    /// Read from the provider's prompt cache.
    #[serde(default)]
    pub cached_tokens: u64,
    /// Written to the provider's prompt cache.
    #[serde(default)]
    pub cache_write_tokens: u64,
}

/// Parts of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputDetails {
    /// Spent on reasoning.
    #[serde(default)]
    pub reasoning_tokens: u64,
}

impl Usage {
    /// Counts without details.
    pub fn new(input_tokens: u64, output_tokens: u64) -> Self {
        let total_tokens = input_tokens.saturating_add(output_tokens);
        Self { input_tokens, output_tokens, total_tokens, ..Self::default() }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        let add = |a: &mut u64, b: u64| *a = a.saturating_add(b);
        add(&mut self.input_tokens, other.input_tokens);
        add(&mut self.input_tokens_details.cached_tokens, other.input_tokens_details.cached_tokens);
        add(&mut self.input_tokens_details.cache_write_tokens, other.input_tokens_details.cache_write_tokens);
        add(&mut self.output_tokens, other.output_tokens);
        add(&mut self.output_tokens_details.reasoning_tokens, other.output_tokens_details.reasoning_tokens);
        add(&mut self.total_tokens, other.total_tokens);
    }
}

/// Tokens spent on images, as `tool_usage.image_gen` tells them. They are part of the response's usage as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageUsage {
    /// Tokens that the image model read.
    #[serde(default)]
    pub input_tokens: u64,
    /// Parts of `input_tokens`.
    #[serde(default)]
    pub input_tokens_details: ImageDetails,
    /// Tokens that the image model made.
    #[serde(default)]
    pub output_tokens: u64,
    /// Parts of `output_tokens`.
    #[serde(default)]
    pub output_tokens_details: ImageDetails,
    /// The sum of both.
    #[serde(default)]
    pub total_tokens: u64,
}

/// What tokens stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageDetails {
    /// Parts of images.
    #[serde(default)]
    pub image_tokens: u64,
    /// Text.
    #[serde(default)]
    pub text_tokens: u64,
}

impl AddAssign for ImageUsage {
    fn add_assign(&mut self, other: Self) {
        let add = |a: &mut u64, b: u64| *a = a.saturating_add(b);
        add(&mut self.input_tokens, other.input_tokens);
        add(&mut self.input_tokens_details.image_tokens, other.input_tokens_details.image_tokens);
        add(&mut self.input_tokens_details.text_tokens, other.input_tokens_details.text_tokens);
        add(&mut self.output_tokens, other.output_tokens);
        add(&mut self.output_tokens_details.image_tokens, other.output_tokens_details.image_tokens);
        add(&mut self.output_tokens_details.text_tokens, other.output_tokens_details.text_tokens);
        add(&mut self.total_tokens, other.total_tokens);
    }
}
