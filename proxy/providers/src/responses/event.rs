//! What a Responses server sends: events, and the response that they build, in a tolerant form.

use serde::Deserialize;
use serde_json::Value;

use crate::chat::Counts;
use crate::lenient::{JsonText, Text};

#[derive(Debug, Deserialize)]
pub(crate) struct Event<'a> {
    #[serde(borrow)]
    pub(crate) r#type: Option<Text<'a>>,
    pub(crate) output_index: Option<i64>,
    pub(crate) summary_index: Option<u32>,
    #[serde(borrow)]
    pub(crate) delta: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) arguments: Option<JsonText<'a>>,
    pub(crate) logprobs: Option<Vec<Value>>,
    pub(crate) annotation: Option<Value>,
    #[serde(borrow)]
    pub(crate) item: Option<Item<'a>>,
    #[serde(borrow)]
    pub(crate) response: Option<Answer<'a>>,
}

/// A response object.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer<'a> {
    #[serde(borrow)]
    pub(crate) model: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) status: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) output: Option<Vec<Item<'a>>>,
    pub(crate) usage: Option<Counts>,
    pub(crate) error: Option<Value>,
    #[serde(borrow)]
    pub(crate) incomplete_details: Option<Details<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Details<'a> {
    #[serde(borrow)]
    pub(crate) reason: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Item<'a> {
    #[serde(borrow)]
    pub(crate) r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) arguments: Option<JsonText<'a>>,
    #[serde(borrow)]
    pub(crate) content: Option<Vec<Part<'a>>>,
    #[serde(borrow)]
    pub(crate) summary: Option<Vec<Part<'a>>>,
    #[serde(borrow)]
    pub(crate) encrypted_content: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Part<'a> {
    #[serde(borrow)]
    pub(crate) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) refusal: Option<Text<'a>>,
    pub(crate) annotations: Option<Vec<Value>>,
    pub(crate) logprobs: Option<Vec<Value>>,
}
