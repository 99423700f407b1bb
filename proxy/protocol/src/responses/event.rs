//! Events of a streamed response.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::error::ApiError;
use crate::responses::content::Content;
use crate::responses::item::Item;
use crate::responses::response::Response;

/// An event with its number: 0, 1, 2, … over the whole response, across generations.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its number.
    pub sequence_number: u64,
    /// What happened.
    pub body: EventBody,
}

/// Which part of which item an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// The item's id.
    pub item_id: String,
    /// The item's place in `output`, from 0.
    pub output_index: usize,
    /// The part's place in the item's `content` or `summary`, from 0.
    pub part: usize,
}

/// What an event tells.
#[derive(Clone, Debug, PartialEq)]
pub enum EventBody {
    /// `response.created`, `.queued`, `.in_progress`, `.completed`, `.incomplete`, `.failed`.
    Lifecycle(Lifecycle, Box<Response>),
    /// `response.output_item.added`.
    ItemAdded(usize, Box<Item>),
    /// `response.output_item.done`.
    ItemDone(usize, Box<Item>),
    /// `response.content_part.added`.
    PartAdded(At, Content),
    /// `response.content_part.done`.
    PartDone(At, Content),
    /// `response.output_text.delta` with `logprobs`.
    TextDelta(At, String, Vec<Value>),
    /// `response.output_text.done` with `logprobs`.
    TextDone(At, String, Vec<Value>),
    /// `response.output_text.annotation.added`: the annotation's index and itself.
    AnnotationAdded(At, usize, Value),
    /// `response.refusal.delta`.
    RefusalDelta(At, String),
    /// `response.refusal.done`.
    RefusalDone(At, String),
    /// `response.reasoning_text.delta`.
    ReasoningDelta(At, String),
    /// `response.reasoning_text.done`.
    ReasoningDone(At, String),
    /// `response.reasoning_summary_part.added`.
    SummaryPartAdded(At, Content),
    /// `response.reasoning_summary_part.done`.
    SummaryPartDone(At, Content),
    /// `response.reasoning_summary_text.delta`.
    SummaryDelta(At, String),
    /// `response.reasoning_summary_text.done`.
    SummaryDone(At, String),
    /// `response.function_call_arguments.delta`, `response.mcp_call_arguments.delta`, `response.custom_tool_call_input.delta`,
    /// `response.code_interpreter_call_code.delta`.
    ArgumentsDelta(CallKind, Slot, String),
    /// The matching `done`: the whole text and the function's name.
    ArgumentsDone(CallKind, Slot, String, String),
    /// Progress of a server tool, such as `response.web_search_call.searching`; extra fields by name.
    Progress(&'static str, Slot, Vec<(&'static str, Value)>),
    /// `error`, a superset that flat and nested readers both understand.
    Error(Box<ApiError>),
}

/// Which item an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The item's id.
    pub item_id: String,
    /// The item's place in `output`, from 0.
    pub output_index: usize,
}

/// Where a response stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// First of all.
    Created,
    /// Waits for a worker.
    Queued,
    /// Runs; repeated when it is quiet for long.
    InProgress,
    /// Terminal.
    Completed,
    /// Terminal.
    Incomplete,
    /// Terminal; also for a cancelled response.
    Failed,
}

/// Whose arguments are streamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// A function of the client.
    Function,
    /// A custom tool of the client.
    Custom,
    /// An MCP tool.
    Mcp,
    /// Code that the server runs.
    Code,
}

impl Event {
    /// The `type` on the wire.
    pub fn kind(&self) -> &'static str {
        self.body.kind()
    }

    /// True for `response.completed`, `.incomplete` and `.failed`.
    pub fn is_terminal(&self) -> bool {
        use Lifecycle::{Completed, Failed, Incomplete};
        matches!(self.body, EventBody::Lifecycle(Completed | Incomplete | Failed, _))
    }
}

impl EventBody {
    /// The `type` on the wire.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Lifecycle(Lifecycle::Created, _) => "response.created",
            Self::Lifecycle(Lifecycle::Queued, _) => "response.queued",
            Self::Lifecycle(Lifecycle::InProgress, _) => "response.in_progress",
            Self::Lifecycle(Lifecycle::Completed, _) => "response.completed",
            Self::Lifecycle(Lifecycle::Incomplete, _) => "response.incomplete",
            Self::Lifecycle(Lifecycle::Failed, _) => "response.failed",
            Self::ItemAdded(..) => "response.output_item.added",
            Self::ItemDone(..) => "response.output_item.done",
            Self::PartAdded(..) => "response.content_part.added",
            Self::PartDone(..) => "response.content_part.done",
            Self::TextDelta(..) => "response.output_text.delta",
            Self::TextDone(..) => "response.output_text.done",
            Self::AnnotationAdded(..) => "response.output_text.annotation.added",
            Self::RefusalDelta(..) => "response.refusal.delta",
            Self::RefusalDone(..) => "response.refusal.done",
            Self::ReasoningDelta(..) => "response.reasoning_text.delta",
            Self::ReasoningDone(..) => "response.reasoning_text.done",
            Self::SummaryPartAdded(..) => "response.reasoning_summary_part.added",
            Self::SummaryPartDone(..) => "response.reasoning_summary_part.done",
            Self::SummaryDelta(..) => "response.reasoning_summary_text.delta",
            Self::SummaryDone(..) => "response.reasoning_summary_text.done",
            Self::ArgumentsDelta(CallKind::Function, ..) => "response.function_call_arguments.delta",
            Self::ArgumentsDelta(CallKind::Custom, ..) => "response.custom_tool_call_input.delta",
            Self::ArgumentsDelta(CallKind::Mcp, ..) => "response.mcp_call_arguments.delta",
            Self::ArgumentsDelta(CallKind::Code, ..) => "response.code_interpreter_call_code.delta",
            Self::ArgumentsDone(CallKind::Function, ..) => "response.function_call_arguments.done",
            Self::ArgumentsDone(CallKind::Custom, ..) => "response.custom_tool_call_input.done",
            Self::ArgumentsDone(CallKind::Mcp, ..) => "response.mcp_call_arguments.done",
            Self::ArgumentsDone(CallKind::Code, ..) => "response.code_interpreter_call_code.done",
            Self::Progress(kind, ..) => kind,
            Self::Error(_) => "error",
        }
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", self.kind())?;
        map.serialize_entry("sequence_number", &self.sequence_number)?;
        self.body.fields(&mut map)?;
        map.end()
    }
}

impl EventBody {
    fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Lifecycle(_, response) => map.serialize_entry("response", response),
            Self::ItemAdded(index, item) | Self::ItemDone(index, item) => {
                map.serialize_entry("output_index", index)?;
                map.serialize_entry("item", item)
            }
            Self::PartAdded(at, part) | Self::PartDone(at, part) => content(map, at, "part", part),
            Self::TextDelta(at, delta, logprobs) => {
                content(map, at, "delta", delta)?;
                map.serialize_entry("logprobs", logprobs)
            }
            Self::TextDone(at, text, logprobs) => {
                content(map, at, "text", text)?;
                map.serialize_entry("logprobs", logprobs)
            }
            Self::AnnotationAdded(at, index, annotation) => {
                content(map, at, "annotation_index", index)?;
                map.serialize_entry("annotation", annotation)
            }
            Self::RefusalDelta(at, text) | Self::ReasoningDelta(at, text) => content(map, at, "delta", text),
            Self::RefusalDone(at, text) => content(map, at, "refusal", text),
            Self::ReasoningDone(at, text) => content(map, at, "text", text),
            Self::SummaryPartAdded(at, part) | Self::SummaryPartDone(at, part) => {
                summary(map, at, "part", part)
            }
            Self::SummaryDelta(at, delta) => summary(map, at, "delta", delta),
            Self::SummaryDone(at, text) => summary(map, at, "text", text),
            Self::ArgumentsDelta(_, slot, delta) => {
                place(map, slot)?;
                map.serialize_entry("delta", delta)
            }
            Self::ArgumentsDone(kind, slot, text, name) => arguments_done(map, *kind, slot, (text, name)),
            Self::Progress(_, slot, extra) => {
                place(map, slot)?;
                extra.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))
            }
            Self::Error(error) => failure(map, error),
        }
    }
}

fn place<M: SerializeMap>(map: &mut M, slot: &Slot) -> Result<(), M::Error> {
    map.serialize_entry("item_id", &slot.item_id)?;
    map.serialize_entry("output_index", &slot.output_index)
}

fn content<M: SerializeMap, T: Serialize>(
    map: &mut M,
    at: &At,
    key: &str,
    value: &T,
) -> Result<(), M::Error> {
    map.serialize_entry("item_id", &at.item_id)?;
    map.serialize_entry("output_index", &at.output_index)?;
    map.serialize_entry("content_index", &at.part)?;
    map.serialize_entry(key, value)
}

fn summary<M: SerializeMap, T: Serialize>(
    map: &mut M,
    at: &At,
    key: &str,
    value: &T,
) -> Result<(), M::Error> {
    map.serialize_entry("item_id", &at.item_id)?;
    map.serialize_entry("output_index", &at.output_index)?;
    map.serialize_entry("summary_index", &at.part)?;
    map.serialize_entry(key, value)
}

fn arguments_done<M: SerializeMap>(
    map: &mut M,
    kind: CallKind,
    slot: &Slot,
    (text, name): (&str, &str),
) -> Result<(), M::Error> {
    place(map, slot)?;
    match kind {
        CallKind::Function => {
            map.serialize_entry("arguments", text)?;
            map.serialize_entry("name", name)
        }
        CallKind::Custom => map.serialize_entry("input", text),
        CallKind::Mcp => map.serialize_entry("arguments", text),
        CallKind::Code => map.serialize_entry("code", text),
    }
}

fn failure<M: SerializeMap>(map: &mut M, error: &ApiError) -> Result<(), M::Error> {
    map.serialize_entry("code", &error.code)?;
    map.serialize_entry("message", &error.message)?;
    map.serialize_entry("param", &error.param)?;
    let nested = serde_json::json!({
        "type": error.kind, "code": error.code, "message": error.message, "param": error.param,
    });
    map.serialize_entry("error", &nested)
}
