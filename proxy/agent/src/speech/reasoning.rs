//! Reasoning while it is being written.

use protocol::responses::content::Content;
use protocol::responses::event::{At, EventBody, Slot};
use protocol::responses::item::{Item, Reasoning};

use crate::emit::Emitter;

/// An open reasoning item: raw text, and parts of a summary of which the last may grow.
pub(crate) struct OpenReasoning {
    slot: Slot,
    index: u32,
    text: Option<String>,
    summary: Vec<Content>,
    part: Option<(u32, String)>,
}

impl OpenReasoning {
    pub(crate) fn open(out: &mut Emitter, index: u32) -> Self {
        let slot = out.add("rs_", |id| Item::Reasoning(Reasoning { id, ..Reasoning::default() }));
        Self { slot, index, text: None, summary: Vec::new(), part: None }
    }

    /// True if deltas of this index belong here.
    pub(crate) fn is(&self, index: u32) -> bool {
        self.index == index
    }

    pub(crate) fn text(&mut self, out: &mut Emitter, delta: String) {
        let at = self.at(0);
        if self.text.is_none() {
            out.emit(EventBody::PartAdded(at.clone(), Content::reasoning_text("")));
        }
        self.text.get_or_insert_default().push_str(&delta);
        out.emit(EventBody::ReasoningDelta(at, delta));
    }

    pub(crate) fn summary(&mut self, out: &mut Emitter, number: u32, delta: String) {
        if self.part.as_ref().is_none_or(|(open, _)| *open != number) {
            self.close_part(out);
            out.emit(EventBody::SummaryPartAdded(self.at(self.summary.len()), Content::summary_text("")));
        }
        self.part.get_or_insert_with(|| (number, String::new())).1.push_str(&delta);
        out.emit(EventBody::SummaryDelta(self.at(self.summary.len()), delta));
    }

    pub(crate) fn close(mut self, out: &mut Emitter, encrypted_content: Option<String>) {
        self.close_part(out);
        let content = self.close_text(out);
        let (id, summary) = (self.slot.item_id.clone(), self.summary);
        let item = Reasoning { id, summary, content, encrypted_content, ..Reasoning::default() };
        out.done(&self.slot, Item::Reasoning(item));
    }

    fn close_part(&mut self, out: &mut Emitter) {
        let Some((_, text)) = self.part.take() else { return };
        let (at, part) = (self.at(self.summary.len()), Content::summary_text(text.clone()));
        out.emit(EventBody::SummaryDone(at.clone(), text));
        out.emit(EventBody::SummaryPartDone(at, part.clone()));
        self.summary.push(part);
    }

    fn close_text(&mut self, out: &mut Emitter) -> Vec<Content> {
        let Some(text) = self.text.take() else { return Vec::new() };
        let (at, part) = (self.at(0), Content::reasoning_text(text.clone()));
        out.emit(EventBody::ReasoningDone(at.clone(), text));
        out.emit(EventBody::PartDone(at, part.clone()));
        vec![part]
    }

    fn at(&self, part: usize) -> At {
        At { item_id: self.slot.item_id.clone(), output_index: self.slot.output_index, part }
    }
}
