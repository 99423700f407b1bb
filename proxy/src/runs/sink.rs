//! Where the events of a run go.

use bytes::{BufMut, BytesMut};
use protocol::responses::event::{Event, EventBody};
use protocol::responses::request::Include;
use protocol::responses::show;
use protocol::sse::encode;

use crate::runs::outlet::Outlet;

/// Takes the events of a run, in order.
pub trait Sink: Send {
    /// Takes an event. Waits while the client is behind.
    fn send(&mut self, event: Event) -> impl Future<Output = ()> + Send;

    /// Tells a silent client that the run goes on.
    fn keep_alive(&mut self);

    /// Follows the last event.
    fn end(&mut self);
}

/// Of a buffered run, only the final response counts.
pub struct Discard;

impl Sink for Discard {
    async fn send(&mut self, _: Event) {}
    fn keep_alive(&mut self) {}
    fn end(&mut self) {}
}

/// Writes events of the Responses API.
pub struct EventStream {
    outlet: Outlet,
    include: Vec<Include>,
    padding: Option<Padding>,
}

impl EventStream {
    /// `seed` is for the padding of delta events; `None` leaves it out.
    pub fn new(outlet: Outlet, include: Vec<Include>, seed: Option<u64>) -> Self {
        Self { outlet, include, padding: seed.map(|seed| Padding(seed | 1)) }
    }
}

impl Sink for EventStream {
    async fn send(&mut self, mut event: Event) {
        conceal(&mut event, &self.include);
        self.outlet.put(|out| {
            encode::event(out, &event);
            if let (Some(padding), Some(length)) = (&mut self.padding, delta_length(&event)) {
                padding.insert(out, length);
            }
        });
        self.outlet.room().await;
    }

    fn keep_alive(&mut self) {
        self.outlet.put(|out| out.put_slice(encode::KEEP_ALIVE));
    }

    fn end(&mut self) {
        self.outlet.put(|out| out.put_slice(encode::DONE));
    }
}

/// Hides what the request did not ask to see.
fn conceal(event: &mut Event, include: &[Include]) {
    match &mut event.body {
        EventBody::Lifecycle(_, response) => {
            response.output.iter_mut().for_each(|item| show::conceal(item, include));
        }
        EventBody::ItemAdded(_, item) | EventBody::ItemDone(_, item) => show::conceal(item, include),
        EventBody::TextDelta(_, _, logprobs) | EventBody::TextDone(_, _, logprobs)
            if !include.contains(&Include::Logprobs) =>
        {
            logprobs.clear();
        }
        EventBody::TextDelta(..) | EventBody::TextDone(..) => {}
        EventBody::PartAdded(..)
        | EventBody::PartDone(..)
        | EventBody::AnnotationAdded(..)
        | EventBody::RefusalDelta(..)
        | EventBody::RefusalDone(..)
        | EventBody::ReasoningDelta(..)
        | EventBody::ReasoningDone(..)
        | EventBody::SummaryPartAdded(..)
        | EventBody::SummaryPartDone(..)
        | EventBody::SummaryDelta(..)
        | EventBody::SummaryDone(..)
        | EventBody::ArgumentsDelta(..)
        | EventBody::ArgumentsDone(..)
        | EventBody::Progress(..)
        | EventBody::Error(_) => {}
    }
}

fn delta_length(event: &Event) -> Option<usize> {
    match &event.body {
        EventBody::TextDelta(_, delta, _)
        | EventBody::RefusalDelta(_, delta)
        | EventBody::ReasoningDelta(_, delta)
        | EventBody::SummaryDelta(_, delta)
        | EventBody::ArgumentsDelta(_, _, delta) => Some(delta.len()),
        EventBody::Lifecycle(..)
        | EventBody::ItemAdded(..)
        | EventBody::ItemDone(..)
        | EventBody::PartAdded(..)
        | EventBody::PartDone(..)
        | EventBody::TextDone(..)
        | EventBody::AnnotationAdded(..)
        | EventBody::RefusalDone(..)
        | EventBody::ReasoningDone(..)
        | EventBody::SummaryPartAdded(..)
        | EventBody::SummaryPartDone(..)
        | EventBody::SummaryDone(..)
        | EventBody::ArgumentsDone(..)
        | EventBody::Progress(..)
        | EventBody::Error(_) => None,
    }
}

/// Hides the length of a delta from those who see only sizes of packets: `obfuscation` fills up to a multiple of 16.
struct Padding(u64);

impl Padding {
    const UNIT: usize = 16;

    fn insert(&mut self, out: &mut BytesMut, length: usize) {
        const SET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let missing = Self::UNIT - length % Self::UNIT;
        out.truncate(out.len() - 3); // `}` and the empty line
        out.put_slice(br#","obfuscation":""#);
        let mut bits = self.next();
        for _ in 0..missing {
            out.put_u8(SET[usize::from((bits & 63) as u8)]);
            bits >>= 4;
        }
        out.put_slice(b"\"}\n\n");
    }

    /// xorshift64; it hides sizes, not secrets.
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
