//! Parts of messages, of tool outputs and of reasoning.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{Object, tags};

tags! {
    /// `input_text`.
    InputTextTag = "input_text";
    /// `input_image`.
    InputImageTag = "input_image";
    /// `input_file`.
    InputFileTag = "input_file";
    /// `output_text`.
    OutputTextTag = "output_text";
    /// `refusal`.
    RefusalTag = "refusal";
    /// `reasoning_text`.
    ReasoningTextTag = "reasoning_text";
    /// `summary_text`.
    SummaryTextTag = "summary_text";
}

/// One part; an unknown one is kept as it came.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// Text of the caller.
    InputText(InputText),
    /// An image of the caller.
    InputImage(InputImage),
    /// A file of the caller.
    InputFile(InputFile),
    /// Text of the model.
    OutputText(OutputText),
    /// The model refuses.
    Refusal(Refusal),
    /// Raw reasoning.
    ReasoningText(ReasoningText),
    /// A summary of reasoning.
    SummaryText(SummaryText),
    /// Anything else.
    Other(Object),
}

/// `{"type":"input_text","text"}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InputText {
    /// The constant `input_text`.
    #[serde(rename = "type")]
    pub tag: InputTextTag,
    /// The text.
    pub text: String,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// `{"type":"input_image","detail","image_url" or "file_id"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputImage {
    /// The constant `input_image`.
    #[serde(rename = "type")]
    pub tag: InputImageTag,
    /// `auto` unless given.
    #[serde(default = "auto")]
    pub detail: String,
    /// A URL or a data URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// A stored file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// `{"type":"input_file","file_id" or "file_data" or "file_url","filename"}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InputFile {
    /// The constant `input_file`.
    #[serde(rename = "type")]
    pub tag: InputFileTag,
    /// A stored file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// A data URL or base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_data: Option<String>,
    /// Where to fetch it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_url: Option<String>,
    /// A label, never a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// `{"type":"output_text","annotations","logprobs","text"}`; both lists are always there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutputText {
    /// The constant `output_text`.
    #[serde(rename = "type")]
    pub tag: OutputTextTag,
    /// Citations; offsets count Unicode code points of `text`.
    #[serde(default)]
    pub annotations: Vec<Value>,
    /// Token probabilities; shown only when asked for.
    #[serde(default)]
    pub logprobs: Vec<Value>,
    /// The text.
    pub text: String,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// `{"type":"refusal","refusal"}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// The constant `refusal`.
    #[serde(rename = "type")]
    pub tag: RefusalTag,
    /// Why the model refuses.
    pub refusal: String,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// `{"type":"reasoning_text","text"}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReasoningText {
    /// The constant `reasoning_text`.
    #[serde(rename = "type")]
    pub tag: ReasoningTextTag,
    /// The text.
    pub text: String,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// `{"type":"summary_text","text"}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SummaryText {
    /// The constant `summary_text`.
    #[serde(rename = "type")]
    pub tag: SummaryTextTag,
    /// The text.
    pub text: String,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

impl Content {
    /// A text part of the caller.
    pub fn input_text(text: impl Into<String>) -> Self {
        Self::InputText(InputText { text: text.into(), ..InputText::default() })
    }

    /// A text part of the model.
    pub fn output_text(text: impl Into<String>) -> Self {
        Self::OutputText(OutputText { text: text.into(), ..OutputText::default() })
    }

    /// A refusal of the model.
    pub fn refusal(refusal: impl Into<String>) -> Self {
        Self::Refusal(Refusal { refusal: refusal.into(), ..Refusal::default() })
    }

    /// A part of raw reasoning.
    pub fn reasoning_text(text: impl Into<String>) -> Self {
        Self::ReasoningText(ReasoningText { text: text.into(), ..ReasoningText::default() })
    }

    /// A part of a reasoning summary.
    pub fn summary_text(text: impl Into<String>) -> Self {
        Self::SummaryText(SummaryText { text: text.into(), ..SummaryText::default() })
    }

    /// The text of a text-like part.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::InputText(part) => Some(&part.text),
            Self::OutputText(part) => Some(&part.text),
            Self::Refusal(part) => Some(&part.refusal),
            Self::ReasoningText(part) => Some(&part.text),
            Self::SummaryText(part) => Some(&part.text),
            Self::InputImage(_) | Self::InputFile(_) | Self::Other(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = Object::deserialize(deserializer)?;
        Self::try_from(map).map_err(serde::de::Error::custom)
    }
}

impl TryFrom<Object> for Content {
    type Error = serde_json::Error;

    fn try_from(map: Object) -> Result<Self, serde_json::Error> {
        let kind = map.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(match kind.as_str() {
            InputTextTag::TEXT => Self::InputText(serde_json::from_value(Value::Object(map))?),
            InputImageTag::TEXT => Self::InputImage(serde_json::from_value(Value::Object(map))?),
            InputFileTag::TEXT => Self::InputFile(serde_json::from_value(Value::Object(map))?),
            OutputTextTag::TEXT => Self::OutputText(serde_json::from_value(Value::Object(map))?),
            RefusalTag::TEXT => Self::Refusal(serde_json::from_value(Value::Object(map))?),
            ReasoningTextTag::TEXT => Self::ReasoningText(serde_json::from_value(Value::Object(map))?),
            SummaryTextTag::TEXT => Self::SummaryText(serde_json::from_value(Value::Object(map))?),
            _ => Self::Other(map),
        })
    }
}

fn auto() -> String {
    "auto".to_owned()
}
