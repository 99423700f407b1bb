//! The values of `include`.

use serde_json::Value;

use crate::error::ApiError;
use crate::read::{Fields, string_at};

/// What is null or absent unless it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Include {
    /// `file_search_call.results`.
    FileSearchResults,
    /// `web_search_call.results`.
    WebSearchResults,
    /// `web_search_call.action.sources`.
    WebSearchSources,
    /// `message.input_image.image_url`.
    InputImageUrl,
    /// `computer_call_output.output.image_url`.
    ComputerOutputImageUrl,
    /// `code_interpreter_call.outputs`.
    CodeInterpreterOutputs,
    /// `reasoning.encrypted_content`.
    EncryptedReasoning,
    /// `message.output_text.logprobs`.
    Logprobs,
}

impl Include {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::FileSearchResults,
        Self::WebSearchResults,
        Self::WebSearchSources,
        Self::InputImageUrl,
        Self::ComputerOutputImageUrl,
        Self::CodeInterpreterOutputs,
        Self::EncryptedReasoning,
        Self::Logprobs,
    ];

    /// Reads the word on the wire; `None` if there is no such value.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FileSearchResults => "file_search_call.results",
            Self::WebSearchResults => "web_search_call.results",
            Self::WebSearchSources => "web_search_call.action.sources",
            Self::InputImageUrl => "message.input_image.image_url",
            Self::ComputerOutputImageUrl => "computer_call_output.output.image_url",
            Self::CodeInterpreterOutputs => "code_interpreter_call.outputs",
            Self::EncryptedReasoning => "reasoning.encrypted_content",
            Self::Logprobs => "message.output_text.logprobs",
        }
    }
}

/// Takes `include`, each value once.
pub(super) fn include(fields: &mut Fields<'_>) -> Result<Vec<Include>, ApiError> {
    let mut asked = Vec::new();
    for (index, value) in fields.array("include")?.unwrap_or_default().into_iter().enumerate() {
        let value = entry(fields, index, value)?;
        if !asked.contains(&value) {
            asked.push(value);
        }
    }
    Ok(asked)
}

fn entry(fields: &Fields<'_>, index: usize, value: Value) -> Result<Include, ApiError> {
    let list = fields.path().key("include");
    let path = list.index(index);
    let text = string_at(value, &path)?;
    let refuse = || ApiError::invalid_choice(&path.to_string(), &text, &Include::ALL.map(Include::as_str));
    Include::parse(&text).ok_or_else(refuse)
}
