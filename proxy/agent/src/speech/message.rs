//! A message while it is being written.

use protocol::Object;
use protocol::responses::content::Content;
use protocol::responses::event::{At, EventBody, Slot};
use protocol::responses::item::{Item, ItemStatus, Message, MessageTag, Role};
use serde_json::Value;

use crate::citations::{Links, Sources};
use crate::emit::Emitter;

/// An open message: closed parts, and perhaps one that grows.
pub(crate) struct OpenMessage {
    slot: Slot,
    closed: Vec<Content>,
    part: Option<Content>,
    /// Of the part that grows.
    links: Links,
}

impl OpenMessage {
    pub(crate) fn open(out: &mut Emitter) -> Self {
        let slot = out.add("msg_", |id| message(id, ItemStatus::InProgress, Vec::new()));
        Self { slot, closed: Vec::new(), part: None, links: Links::default() }
    }

    pub(crate) fn text(&mut self, out: &mut Emitter, delta: String, logprobs: Vec<Value>) {
        if !self.writes_text() {
            self.turn_to(out, Content::output_text(""));
        }
        if let Some(Content::OutputText(part)) = &mut self.part {
            part.text.push_str(&delta);
            part.logprobs.extend_from_slice(&logprobs);
        }
        out.emit(EventBody::TextDelta(self.at(), delta, logprobs));
    }

    pub(crate) fn refusal(&mut self, out: &mut Emitter, delta: String) {
        if !matches!(self.part, Some(Content::Refusal(_))) {
            self.turn_to(out, Content::refusal(""));
        }
        if let Some(Content::Refusal(part)) = &mut self.part {
            part.refusal.push_str(&delta);
        }
        out.emit(EventBody::RefusalDelta(self.at(), delta));
    }

    fn writes_text(&self) -> bool {
        matches!(self.part, Some(Content::OutputText(_)))
    }

    pub(crate) fn annotate(&mut self, out: &mut Emitter, annotation: Value) {
        let at = self.at();
        let Some(Content::OutputText(part)) = &mut self.part else { return };
        part.annotations.push(annotation.clone());
        out.emit(EventBody::AnnotationAdded(at, part.annotations.len() - 1, annotation));
    }

    /// Annotates the links that have closed and lead to sources, unless the upstream has done so.
    pub(crate) fn cite(&mut self, out: &mut Emitter, sources: &Sources) {
        let Some(Content::OutputText(part)) = &self.part else { return };
        let links = self.links.read(&part.text);
        if links.is_empty() {
            return;
        }
        let known = part.annotations.clone();
        for annotation in links.iter().filter_map(|link| sources.cited(link)) {
            let same = |known: &Value| {
                ["type", "start_index", "end_index"].iter().all(|key| known[*key] == annotation[*key])
            };
            if !known.iter().any(same) {
                self.annotate(out, annotation);
            }
        }
    }

    /// Closes the message; one without any part gets an empty text.
    pub(crate) fn close(mut self, out: &mut Emitter, status: ItemStatus) {
        if self.part.is_none() && self.closed.is_empty() {
            self.turn_to(out, Content::output_text(""));
        }
        self.close_part(out);
        out.done(&self.slot, message(self.slot.item_id.clone(), status, self.closed));
    }

    fn turn_to(&mut self, out: &mut Emitter, part: Content) {
        self.close_part(out);
        out.emit(EventBody::PartAdded(self.at(), part.clone()));
        self.part = Some(part);
        self.links = Links::default();
    }

    fn close_part(&mut self, out: &mut Emitter) {
        let Some(part) = self.part.take() else { return };
        let at = self.at();
        if let Content::OutputText(part) = &part {
            out.emit(EventBody::TextDone(at.clone(), part.text.clone(), part.logprobs.clone()));
        } else if let Content::Refusal(part) = &part {
            out.emit(EventBody::RefusalDone(at.clone(), part.refusal.clone()));
        }
        out.emit(EventBody::PartDone(at, part.clone()));
        self.closed.push(part);
    }

    fn at(&self) -> At {
        let Slot { item_id, output_index } = &self.slot;
        At { item_id: item_id.clone(), output_index: *output_index, part: self.closed.len() }
    }
}

fn message(id: String, status: ItemStatus, content: Vec<Content>) -> Item {
    let role = Role::Assistant;
    Item::Message(Message { id, tag: MessageTag, status, content, role, rest: Object::new() })
}
