//! The only numbering of events, and the output that the events build.

use std::collections::VecDeque;

use protocol::responses::event::{Event, EventBody, Slot};
use protocol::responses::item::Item;

use crate::ids::Ids;
use crate::run::Effect;

/// Effects to be polled and the items of the response; every event of a run goes through here.
pub(crate) struct Emitter {
    ids: Ids,
    next: u64,
    effects: VecDeque<Effect>,
    slots: Vec<Option<Item>>,
}

impl Emitter {
    pub(crate) fn new(ids: Ids) -> Self {
        Self { ids, next: 0, effects: VecDeque::new(), slots: Vec::new() }
    }

    /// Queues an event with the next number.
    pub(crate) fn emit(&mut self, body: EventBody) {
        let sequence_number = self.take_number();
        self.effects.push_back(Effect::Emit(Event { sequence_number, body }));
    }

    /// Queues an effect without a number.
    pub(crate) fn push(&mut self, effect: Effect) {
        self.effects.push_back(effect);
    }

    pub(crate) fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Uses up a number for an event that is not emitted here.
    pub(crate) fn take_number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// A fresh call id.
    pub(crate) fn call_id(&mut self) -> String {
        self.ids.call()
    }

    /// Opens an item that is made for a fresh id, at the next place of the output.
    pub(crate) fn add(&mut self, prefix: &str, item: impl FnOnce(String) -> Item) -> Slot {
        let slot = Slot { item_id: self.ids.mint(prefix), output_index: self.slots.len() };
        self.slots.push(None);
        self.emit(EventBody::ItemAdded(slot.output_index, Box::new(item(slot.item_id.clone()))));
        slot
    }

    /// Closes an item with its final form.
    pub(crate) fn done(&mut self, slot: &Slot, item: Item) {
        self.emit(EventBody::ItemDone(slot.output_index, Box::new(item.clone())));
        if let Some(place) = self.slots.get_mut(slot.output_index) {
            *place = Some(item);
        }
    }

    /// How many items were opened.
    pub(crate) fn opened(&self) -> usize {
        self.slots.len()
    }

    /// A closed item.
    pub(crate) fn item(&self, index: usize) -> Option<&Item> {
        self.slots.get(index).and_then(Option::as_ref)
    }

    /// The closed items in the order in which they began.
    pub(crate) fn take_output(&mut self) -> Vec<Item> {
        std::mem::take(&mut self.slots).into_iter().flatten().collect()
    }
}
