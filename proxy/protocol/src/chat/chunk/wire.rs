//! The chunk as it is written, borrowed from the event.

use serde::Serialize;
use serde_json::{Value, json};

use crate::chat::response::{AssistantTag, ChatUsage, FinishReason};

#[derive(Serialize)]
pub(super) struct Chunk<'a> {
    pub(super) id: &'a str,
    pub(super) object: &'static str,
    pub(super) created: i64,
    pub(super) model: &'a str,
    pub(super) choices: &'a [ChunkChoice<'a>],
    /// Absent unless usage was asked for; null in all chunks but the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<Option<ChatUsage>>,
}

#[derive(Default, Serialize)]
pub(super) struct ChunkChoice<'a> {
    pub(super) index: u64,
    pub(super) delta: Delta<'a>,
    pub(super) logprobs: Option<Value>,
    pub(super) finish_reason: Option<FinishReason>,
}

#[derive(Default, Serialize)]
pub(super) struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<AssistantTag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "empty_is_null")]
    pub(super) refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) annotations: Vec<Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) tool_calls: &'a [Call<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function_call: Option<NamedText<'a>>,
}

/// A piece of a call; `id` and `type` stand only in the first.
#[derive(Serialize)]
pub(super) struct Call<'a> {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<NamedText<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<NamedText<'a>>,
}

/// Name and text of a call; the name stands only in the first piece.
#[derive(Serialize)]
pub(super) struct NamedText<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<&'a str>,
}

impl<'a> NamedText<'a> {
    pub(super) fn function(name: &'a str) -> Self {
        Self { name: Some(name), arguments: Some(""), input: None }
    }

    pub(super) fn custom(name: &'a str) -> Self {
        Self { name: Some(name), arguments: None, input: Some("") }
    }

    pub(super) fn more(text: &'a str, is_custom: bool) -> Self {
        let (arguments, input) = if is_custom { (None, Some(text)) } else { (Some(text), None) };
        Self { name: None, arguments, input }
    }
}

impl<'a> Call<'a> {
    pub(super) fn begin(index: usize, id: &'a str, text: NamedText<'a>) -> Self {
        let kind = if text.input.is_some() { "custom" } else { "function" };
        Self { id: Some(id), kind: Some(kind), ..Self::more(index, text) }
    }

    pub(super) fn more(index: usize, text: NamedText<'a>) -> Self {
        let is_custom = text.input.is_some();
        let (function, custom) = if is_custom { (None, Some(text)) } else { (Some(text), None) };
        Self { index, id: None, kind: None, function, custom }
    }
}

/// `{content, refusal}`, or null where there are none.
pub(super) fn logprobs(tokens: &[Value]) -> Option<Value> {
    (!tokens.is_empty()).then(|| json!({"content": tokens, "refusal": null}))
}

fn empty_is_null<S: serde::Serializer>(text: &Option<&str>, serializer: S) -> Result<S::Ok, S::Error> {
    text.filter(|text| !text.is_empty()).serialize(serializer)
}
