//! Items as they go upstream: without our ids, which mean nothing there.

use std::borrow::Cow;

use protocol::Object;
use protocol::error::ApiError;
use protocol::responses::content::{Content, OutputText};
use protocol::responses::item::{Item, Message, Output, Reasoning, Role};
use serde::Serialize;

use crate::free_text;

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Input<'a> {
    Message {
        role: Role,
        content: Vec<Part<'a>>,
    },
    Reasoning {
        summary: &'a [Content],
        encrypted_content: &'a str,
    },
    FunctionCall {
        call_id: &'a str,
        name: &'a str,
        arguments: Cow<'a, str>,
    },
    FunctionCallOutput {
        call_id: &'a str,
        output: &'a Output,
    },
    #[serde(untagged)]
    Raw(&'a Object),
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Part<'a> {
    Said(Said<'a>),
    Given(&'a Content),
}

/// Text of the model without annotations, which may name files that the upstream does not have.
#[derive(Debug, Serialize)]
pub(crate) struct Said<'a> {
    r#type: &'static str,
    text: &'a str,
    annotations: [(); 0],
}

/// Errors: 400 `unsupported_value` for an item that only we understand.
pub(crate) fn items(items: &[Item]) -> Result<Vec<Input<'_>>, ApiError> {
    items.iter().filter_map(|item| input(item).transpose()).collect()
}

/// `None` for reasoning that is not sealed, which only whoever stored it could take.
fn input(item: &Item) -> Result<Option<Input<'_>>, ApiError> {
    Ok(match item {
        Item::Message(message) => Some(self::message(message)),
        Item::Reasoning(reasoning) => self::reasoning(reasoning),
        Item::FunctionCall(call) => {
            let arguments = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
            let (call_id, name, arguments) = (&*call.call_id, &*call.name, Cow::Borrowed(arguments));
            Some(Input::FunctionCall { call_id, name, arguments })
        }
        Item::CustomToolCall(call) => {
            let (call_id, name, arguments) =
                (&*call.call_id, &*call.name, Cow::Owned(free_text::wrap(&call.input)));
            Some(Input::FunctionCall { call_id, name, arguments })
        }
        Item::FunctionCallOutput(output) => {
            Some(Input::FunctionCallOutput { call_id: &output.call_id, output: &output.output })
        }
        Item::CustomToolCallOutput(output) => {
            Some(Input::FunctionCallOutput { call_id: &output.call_id, output: &output.output })
        }
        Item::Other(raw) => Some(Input::Raw(raw)),
        Item::FileSearchCall(_)
        | Item::WebSearchCall(_)
        | Item::ImageGenerationCall(_)
        | Item::McpListTools(_)
        | Item::McpCall(_)
        | Item::McpApprovalRequest(_)
        | Item::McpApprovalResponse(_)
        | Item::Compaction(_)
        | Item::Reference(_) => {
            let message = format!("This model does not take items of type '{}'.", item.kind());
            return Err(ApiError::unsupported_value("input", message));
        }
    })
}

fn message(message: &Message) -> Input<'_> {
    Input::Message { role: message.role, content: message.content.iter().map(part).collect() }
}

fn part(part: &Content) -> Part<'_> {
    if let Content::OutputText(OutputText { text, .. }) = part {
        return Part::Said(Said { r#type: "output_text", text, annotations: [] });
    }
    Part::Given(part)
}

fn reasoning(reasoning: &Reasoning) -> Option<Input<'_>> {
    let encrypted_content = reasoning.encrypted_content.as_deref()?;
    Some(Input::Reasoning { summary: &reasoning.summary, encrypted_content })
}
