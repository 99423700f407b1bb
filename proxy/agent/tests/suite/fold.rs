//! A client that believes nothing but events: it rebuilds the response and objects to every event out of place.

use agent::run::Effect;
use protocol::responses::content::Content;
use protocol::responses::event::{At, Event, EventBody, Lifecycle, Slot};
use protocol::responses::item::Item;
use protocol::responses::response::{Response, Status};

/// What the events so far amount to.
#[derive(Default)]
pub(crate) struct Client {
    next: u64,
    items: Vec<Seen>,
    pub(crate) end: Option<Response>,
    error: bool,
}

struct Seen {
    item: Item,
    /// Open parts: of the content, of the summary.
    open: [Option<usize>; 2],
    arguments_done: bool,
    done: bool,
}

impl Client {
    /// Takes an effect as far as a client sees it.
    pub(crate) fn take(&mut self, effect: &Effect) {
        match effect {
            Effect::Emit(event) => self.event(event),
            Effect::Finish(finished) => self.event(&finished.event()),
            Effect::ListTools(_) | Effect::CallModel(_) | Effect::CallTool { .. } | Effect::Abort => {}
        }
    }

    fn event(&mut self, event: &Event) {
        assert!(self.end.is_none(), "nothing follows the terminal event: {event:?}");
        assert_eq!(event.sequence_number, self.next, "numbers are dense");
        self.next += 1;
        match &event.body {
            EventBody::Lifecycle(lifecycle, response) => self.lifecycle(*lifecycle, response),
            EventBody::Error(_) => self.error = true,
            EventBody::ItemAdded(index, item) => self.added(*index, item),
            EventBody::ItemDone(index, item) => self.done(*index, item),
            EventBody::Progress(_, slot, _) => {
                self.slot(slot);
            }
            EventBody::ArgumentsDelta(_, slot, delta) => {
                let seen = self.slot(slot);
                assert!(!seen.arguments_done, "no delta after done");
                arguments(&mut seen.item).push_str(delta);
            }
            EventBody::ArgumentsDone(_, slot, text, _) => {
                let seen = self.slot(slot);
                assert_eq!(arguments(&mut seen.item), text);
                seen.arguments_done = true;
            }
            other => self.part(other),
        }
    }

    fn lifecycle(&mut self, lifecycle: Lifecycle, response: &Response) {
        assert_eq!(
            lifecycle == Lifecycle::Created,
            self.next == 1,
            "created is the first event, and only that"
        );
        if lifecycle == Lifecycle::Created || lifecycle == Lifecycle::InProgress {
            assert_eq!(response.status, Status::InProgress);
            return;
        }
        let is_cancelled = response.status == Status::Cancelled;
        assert!(is_cancelled || self.items.iter().all(|seen| seen.done), "every item is closed");
        let done = self.items.iter().filter(|seen| seen.done).map(|seen| &seen.item);
        assert!(done.eq(&response.output), "the output is the items that were done");
        assert_eq!(response.error.is_some(), response.status == Status::Failed);
        assert_eq!(self.error, response.error.is_some());
        assert_eq!(response.incomplete_details.is_some(), response.status == Status::Incomplete);
        self.end = Some(response.clone());
    }

    fn added(&mut self, index: usize, item: &Item) {
        assert_eq!(index, self.items.len(), "indices are dense in the order of added");
        assert!(self.items.iter().all(|seen| seen.item.id() != item.id()), "ids differ");
        let seen = Seen { item: item.clone(), open: [None, None], arguments_done: false, done: false };
        self.items.push(seen);
    }

    fn done(&mut self, index: usize, item: &Item) {
        let seen = &mut self.items[index];
        assert!(!seen.done, "an item is done once");
        assert_eq!((seen.item.id(), seen.item.kind()), (item.id(), item.kind()));
        assert_eq!(seen.open, [None, None], "all parts are closed");
        let mut item = item.clone();
        match (&seen.item, &mut item) {
            (Item::Message(seen), Item::Message(item)) => assert_eq!(seen.content, item.content),
            (Item::Reasoning(seen), Item::Reasoning(item)) => {
                assert_eq!((&seen.content, &seen.summary), (&item.content, &item.summary));
            }
            (Item::FunctionCall(_) | Item::CustomToolCall(_) | Item::McpCall(_) | Item::Other(_), item) => {
                assert!(seen.arguments_done, "arguments are closed");
                assert_eq!(arguments(&mut seen.item), arguments(item));
            }
            _ => {}
        }
        *seen = Seen { item, open: [None, None], arguments_done: true, done: true };
    }

    fn part(&mut self, body: &EventBody) {
        match body {
            EventBody::PartAdded(at, part) => self.open(at, 0, part),
            EventBody::SummaryPartAdded(at, part) => self.open(at, 1, part),
            EventBody::PartDone(at, part) => self.close(at, 0, part),
            EventBody::SummaryPartDone(at, part) => self.close(at, 1, part),
            EventBody::TextDelta(at, delta, logprobs) => {
                let part = self.content(at, 0);
                text(part).push_str(delta);
                let Content::OutputText(part) = part else { panic!("text of another part") };
                part.logprobs.extend_from_slice(logprobs);
            }
            EventBody::AnnotationAdded(at, index, annotation) => {
                let Content::OutputText(part) = self.content(at, 0) else {
                    panic!("an annotation of no text")
                };
                assert_eq!(*index, part.annotations.len());
                part.annotations.push(annotation.clone());
            }
            EventBody::RefusalDelta(at, delta) | EventBody::ReasoningDelta(at, delta) => {
                text(self.content(at, 0)).push_str(delta);
            }
            EventBody::SummaryDelta(at, delta) => text(self.content(at, 1)).push_str(delta),
            EventBody::TextDone(at, done, _)
            | EventBody::RefusalDone(at, done)
            | EventBody::ReasoningDone(at, done) => {
                assert_eq!(text(self.content(at, 0)), done);
            }
            EventBody::SummaryDone(at, done) => assert_eq!(text(self.content(at, 1)), done),
            other => panic!("no part in {other:?}"),
        }
    }

    fn open(&mut self, at: &At, list: usize, part: &Content) {
        let seen = self.at(at);
        assert_eq!(seen.open[list], None, "one part at a time");
        seen.open[list] = Some(at.part);
        let parts = parts(&mut seen.item, list);
        assert_eq!(at.part, parts.len());
        parts.push(part.clone());
    }

    fn close(&mut self, at: &At, list: usize, part: &Content) {
        assert_eq!(self.content(at, list), part);
        self.at(at).open[list] = None;
    }

    fn content(&mut self, at: &At, list: usize) -> &mut Content {
        let seen = self.at(at);
        assert_eq!(seen.open[list], Some(at.part), "the part is open");
        &mut parts(&mut seen.item, list)[at.part]
    }

    fn at(&mut self, at: &At) -> &mut Seen {
        self.slot(&Slot { item_id: at.item_id.clone(), output_index: at.output_index })
    }

    fn slot(&mut self, slot: &Slot) -> &mut Seen {
        let seen = &mut self.items[slot.output_index];
        assert_eq!(seen.item.id(), slot.item_id);
        assert!(!seen.done, "nothing happens to an item that is done");
        seen
    }
}

fn parts(item: &mut Item, list: usize) -> &mut Vec<Content> {
    match (item, list) {
        (Item::Message(item), 0) => &mut item.content,
        (Item::Reasoning(item), 0) => &mut item.content,
        (Item::Reasoning(item), 1) => &mut item.summary,
        (item, list) => panic!("no list {list} in {item:?}"),
    }
}

fn text(part: &mut Content) -> &mut String {
    match part {
        Content::OutputText(part) => &mut part.text,
        Content::Refusal(part) => &mut part.refusal,
        Content::ReasoningText(part) => &mut part.text,
        Content::SummaryText(part) => &mut part.text,
        other => panic!("no text in {other:?}"),
    }
}

fn arguments(item: &mut Item) -> &mut String {
    match item {
        Item::FunctionCall(item) => &mut item.arguments,
        Item::CustomToolCall(item) => &mut item.input,
        Item::McpCall(item) => &mut item.arguments,
        Item::Other(item) => match item.get_mut("code") {
            Some(serde_json::Value::String(code)) => code,
            other => panic!("no code: {other:?}"),
        },
        other => panic!("no arguments in {other:?}"),
    }
}
