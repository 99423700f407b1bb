//! What the model says in one generation, apart from calls: reasoning and messages, one after the other.

use protocol::responses::item::ItemStatus;
use serde_json::Value;

use crate::citations::Sources;
use crate::emit::Emitter;
use message::OpenMessage;
pub(crate) use reasoning::OpenReasoning;

mod message;
mod reasoning;

/// Opens the item of a thought that the model is writing down by a call.
pub(crate) fn begin_thought(out: &mut Emitter) -> OpenReasoning {
    OpenReasoning::open(out, 0)
}

/// Opens items lazily at their first delta and closes them when something else begins; at most one is open.
#[derive(Default)]
pub(crate) struct Speech {
    reasoning: Option<OpenReasoning>,
    message: Option<OpenMessage>,
    held: Held,
    said: Vec<usize>,
    has_message: bool,
}

/// What waits for a message: models put blank lines before their calls, and those make no message.
#[derive(Default)]
struct Held {
    text: String,
    logprobs: Vec<Value>,
    annotations: Vec<Value>,
}

impl Speech {
    pub(crate) fn text(&mut self, out: &mut Emitter, delta: String, logprobs: Vec<Value>) {
        if let Some(message) = &mut self.message {
            return message.text(out, delta, logprobs);
        }
        self.held.logprobs.extend(logprobs);
        if delta.trim().is_empty() {
            self.held.text.push_str(&delta);
        } else {
            self.begin_text(out, &delta);
        }
    }

    pub(crate) fn refusal(&mut self, out: &mut Emitter, delta: String) {
        self.message(out).refusal(out, delta);
    }

    pub(crate) fn annotation(&mut self, out: &mut Emitter, annotation: Value) {
        match &mut self.message {
            Some(message) => message.annotate(out, annotation),
            None => self.held.annotations.push(annotation),
        }
    }

    /// Annotates the links that lead to sources.
    pub(crate) fn cite(&mut self, out: &mut Emitter, sources: &Sources) {
        if let Some(message) = self.message.as_mut().filter(|_| !sources.is_empty()) {
            message.cite(out, sources);
        }
    }

    pub(crate) fn reasoning(&mut self, out: &mut Emitter, index: u32, delta: String) {
        self.thought(out, index).text(out, delta);
    }

    pub(crate) fn summary(&mut self, out: &mut Emitter, (index, part): (u32, u32), delta: String) {
        self.thought(out, index).summary(out, part, delta);
    }

    pub(crate) fn sealed(&mut self, out: &mut Emitter, index: u32, encrypted: String) {
        self.thought(out, index);
        if let Some(reasoning) = self.reasoning.take() {
            reasoning.close(out, Some(encrypted));
        }
    }

    /// Closes what is open because something else begins.
    pub(crate) fn pause(&mut self, out: &mut Emitter) {
        self.close(out, ItemStatus::Completed);
    }

    /// Closes what is open, with the status that a message gets.
    pub(crate) fn close(&mut self, out: &mut Emitter, status: ItemStatus) {
        if let Some(reasoning) = self.reasoning.take() {
            reasoning.close(out, None);
        }
        if let Some(message) = self.message.take() {
            message.close(out, status);
        }
    }

    /// Says what was held back, because nothing follows it.
    pub(crate) fn flush(&mut self, out: &mut Emitter) {
        if !self.held.text.is_empty() {
            self.begin_text(out, "");
        }
    }

    /// Adds an empty message if there was none: a turn that is completed ends with a message or with a call.
    pub(crate) fn complete(&mut self, out: &mut Emitter) {
        if !self.has_message {
            self.message(out);
        }
        self.pause(out);
    }

    /// Places of its items in the output.
    pub(crate) fn said(&self) -> &[usize] {
        &self.said
    }

    fn begin_text(&mut self, out: &mut Emitter, delta: &str) {
        let Held { mut text, logprobs, annotations } = std::mem::take(&mut self.held);
        text.push_str(delta);
        let message = self.message(out);
        message.text(out, text, logprobs);
        annotations.into_iter().for_each(|annotation| message.annotate(out, annotation));
    }

    fn message(&mut self, out: &mut Emitter) -> &mut OpenMessage {
        if self.message.is_none() {
            self.pause(out);
            self.said.push(out.opened());
            self.has_message = true;
        }
        self.message.get_or_insert_with(|| OpenMessage::open(out))
    }

    fn thought(&mut self, out: &mut Emitter, index: u32) -> &mut OpenReasoning {
        if self.reasoning.as_ref().is_none_or(|open| !open.is(index)) {
            self.pause(out);
            self.said.push(out.opened());
        }
        self.reasoning.get_or_insert_with(|| OpenReasoning::open(out, index))
    }
}
