//! A turn as a stream of chunks.

mod wire;

use std::collections::BTreeMap;

use bytes::{BufMut, BytesMut};
use serde_json::Value;

use crate::chat::chunk::wire::{Call, Chunk, ChunkChoice, Delta, NamedText, logprobs};
use crate::chat::response::{AssistantTag, BREAK, ChatUsage, FinishReason, cited};
use crate::error::ApiError;
use crate::responses::event::{CallKind, Event, EventBody, Lifecycle};
use crate::responses::item::Item;
use crate::responses::response::Response;
use crate::sse::encode;

/// What stands in every chunk of a stream.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// `chatcmpl-…`.
    pub id: String,
    /// Seconds since 1970.
    pub created: i64,
    /// The model that answers.
    pub model: String,
    /// Whether the stream ends with a chunk of usage.
    pub include_usage: bool,
    /// Whether calls are shown as `function_call`.
    pub is_legacy: bool,
}

/// Writes the events of a turn as chunks: one message, only the client's calls, one finish.
///
/// Shape: data-only frames; the first delta has the role; `tool_calls[].index` is dense from 0.
#[derive(Debug, Default)]
pub struct ChunkWriter {
    head: Head,
    begun: bool,
    failed: bool,
    /// The place in `tool_calls` of each call, by its place in the turn's output.
    calls: BTreeMap<usize, usize>,
    /// Code points of text before the current message.
    offset: usize,
    /// Code points of text so far.
    length: usize,
    /// The message whose text came last.
    message: Option<usize>,
}

impl ChunkWriter {
    /// Begins a stream; nothing is written yet.
    pub fn new(head: Head) -> Self {
        Self { head, ..Self::default() }
    }

    /// Changes the model that all further chunks name. To be called before the first chunk.
    pub fn set_model(&mut self, model: &str) {
        model.clone_into(&mut self.head.model);
    }

    /// Appends what `event` means in chunks, if anything. The caller ends the stream with [`encode::DONE`].
    pub fn write(&mut self, out: &mut BytesMut, event: &Event) {
        match &event.body {
            EventBody::Lifecycle(Lifecycle::InProgress, _) => self.begin(out),
            EventBody::Lifecycle(Lifecycle::Completed | Lifecycle::Incomplete, response) => {
                self.finish(out, response);
            }
            EventBody::Lifecycle(Lifecycle::Failed, response) => self.fail_with(out, response),
            EventBody::ItemAdded(index, item) => self.call(out, *index, item),
            EventBody::TextDelta(at, delta, tokens) => self.text(out, at.output_index, delta, tokens),
            EventBody::AnnotationAdded(_, _, annotation) => {
                let annotations = vec![cited(annotation, self.offset)];
                self.delta(out, Delta { annotations, ..Delta::default() });
            }
            EventBody::RefusalDelta(_, delta) => {
                self.delta(out, Delta { refusal: Some(delta), ..Delta::default() });
            }
            EventBody::ReasoningDelta(_, delta) => {
                self.delta(out, Delta { reasoning_content: Some(delta), ..Delta::default() });
            }
            EventBody::ArgumentsDelta(kind @ (CallKind::Function | CallKind::Custom), slot, delta) => {
                self.arguments(out, *kind, slot.output_index, delta);
            }
            EventBody::Error(error) => self.fail(out, error),
            EventBody::Lifecycle(Lifecycle::Created | Lifecycle::Queued, _)
            | EventBody::ItemDone(..)
            | EventBody::PartAdded(..)
            | EventBody::PartDone(..)
            | EventBody::TextDone(..)
            | EventBody::RefusalDone(..)
            | EventBody::ReasoningDone(..)
            | EventBody::SummaryPartAdded(..)
            | EventBody::SummaryPartDone(..)
            | EventBody::SummaryDelta(..)
            | EventBody::SummaryDone(..)
            | EventBody::ArgumentsDelta(CallKind::Mcp | CallKind::Code, ..)
            | EventBody::ArgumentsDone(..)
            | EventBody::Progress(..) => {}
        }
    }

    /// Appends an error; what follows it is [`encode::DONE`] alone.
    pub fn fail(&mut self, out: &mut BytesMut, error: &ApiError) {
        self.failed = true;
        out.put_slice(b"data: ");
        out.put_slice(&error.body());
        out.put_slice(b"\n\n");
    }

    fn fail_with(&mut self, out: &mut BytesMut, response: &Response) {
        if self.failed {
            return;
        }
        let mut error = ApiError::internal();
        if let Some(reason) = &response.error {
            error.message.clone_from(&reason.message);
            error = error.with_code(&reason.code);
        }
        self.fail(out, &error);
    }

    fn begin(&mut self, out: &mut BytesMut) {
        if !self.begun {
            self.begun = true;
            let delta =
                Delta { role: Some(AssistantTag), content: Some(""), refusal: Some(""), ..Delta::default() };
            self.chunk(out, &[ChunkChoice { delta, ..ChunkChoice::default() }], None);
        }
    }

    fn text(&mut self, out: &mut BytesMut, item: usize, delta: &str, tokens: &[Value]) {
        if self.message != Some(item) {
            if self.message.replace(item).is_some() && self.length > 0 {
                self.length += BREAK.len();
                self.delta(out, Delta { content: Some(BREAK), ..Delta::default() });
            }
            self.offset = self.length;
        }
        self.length += delta.chars().count();
        let delta = Delta { content: Some(delta), ..Delta::default() };
        self.choice(out, ChunkChoice { delta, logprobs: logprobs(tokens), ..ChunkChoice::default() });
    }

    fn call(&mut self, out: &mut BytesMut, item: usize, added: &Item) {
        let (id, begun) = if let Item::FunctionCall(call) = added {
            (&call.call_id, NamedText::function(&call.name))
        } else if let Item::CustomToolCall(call) = added {
            (&call.call_id, NamedText::custom(&call.name))
        } else {
            return;
        };
        let index = self.calls.len();
        self.calls.insert(item, index);
        if self.head.is_legacy {
            self.delta(out, Delta { function_call: Some(begun), ..Delta::default() });
        } else {
            let tool_calls = [Call::begin(index, id, begun)];
            self.delta(out, Delta { tool_calls: &tool_calls, ..Delta::default() });
        }
    }

    fn arguments(&mut self, out: &mut BytesMut, kind: CallKind, item: usize, delta: &str) {
        let Some(index) = self.calls.get(&item).copied() else { return };
        let more = NamedText::more(delta, kind == CallKind::Custom);
        if self.head.is_legacy {
            self.delta(out, Delta { function_call: Some(more), ..Delta::default() });
        } else {
            self.delta(out, Delta { tool_calls: &[Call::more(index, more)], ..Delta::default() });
        }
    }

    fn finish(&mut self, out: &mut BytesMut, response: &Response) {
        let finish_reason = Some(FinishReason::of(response, self.head.is_legacy));
        self.choice(out, ChunkChoice { finish_reason, ..ChunkChoice::default() });
        if self.head.include_usage {
            let usage = ChatUsage::from(response.usage.unwrap_or_default());
            self.chunk(out, &[], Some(usage));
        }
    }

    fn delta(&mut self, out: &mut BytesMut, delta: Delta<'_>) {
        self.choice(out, ChunkChoice { delta, ..ChunkChoice::default() });
    }

    fn choice(&mut self, out: &mut BytesMut, choice: ChunkChoice<'_>) {
        self.begin(out);
        self.chunk(out, &[choice], None);
    }

    fn chunk(&self, out: &mut BytesMut, choices: &[ChunkChoice<'_>], usage: Option<ChatUsage>) {
        let Head { id, created, model, include_usage, .. } = &self.head;
        let usage = include_usage.then_some(usage);
        encode::data(
            out,
            &Chunk { id, object: "chat.completion.chunk", created: *created, model, choices, usage },
        );
    }
}

#[cfg(test)]
mod tests;
