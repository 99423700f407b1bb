//! One answer while it arrives: bytes to events, with deadlines and bounds.

use std::time::Duration;

use agent::model::{Failure, ModelError, ModelEvent};
use bytes::Bytes;
use futures_util::FutureExt;
use hyper::body::Incoming;
use protocol::sse::decode::{Decoder as Frames, TooLong};
use tokio::time::{Instant, timeout_at};

use crate::dialect::Decoder;
use crate::fault;
use crate::settings::Timeouts;
use crate::transport::piece;

/// The bound of one event.
const EVENT_BYTES: usize = 4 << 20;
/// The bound of one answer.
const ANSWER_BYTES: usize = 64 << 20;
/// How long counts may come after the reason why the answer ended.
const AFTER_FINISH: Duration = Duration::from_secs(2);
/// How long the end of the body may come after the end of the answer, so that the connection can be used again.
const AFTER_END: Duration = Duration::from_millis(100);

pub(crate) struct Answer {
    body: Incoming,
    decoder: Box<dyn Decoder>,
    form: Form,
    timeouts: Timeouts,
    /// When the first event must be there.
    first_until: Instant,
    /// When all must be over.
    total_until: Instant,
    read_bytes: usize,
    /// True once there was an event other than `Start`.
    said: bool,
}

/// What the bytes are; servers stream when they were not asked to, and the other way round.
enum Form {
    /// Nothing but blanks so far.
    Unknown(Vec<u8>),
    Stream(Frames),
    Whole(Vec<u8>),
}

enum Fault {
    Model(ModelError),
    TooLong,
}

impl From<TooLong> for Fault {
    fn from(_: TooLong) -> Self {
        Self::TooLong
    }
}

impl From<Fault> for ModelError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Model(error) => error,
            Fault::TooLong => fault::malformed("an event is too long"),
        }
    }
}

impl Answer {
    pub(crate) fn new(
        body: Incoming,
        decoder: Box<dyn Decoder>,
        timeouts: Timeouts,
        (first_until, total_until): (Instant, Instant),
    ) -> Self {
        let form = Form::Unknown(Vec::new());
        Self { body, decoder, form, timeouts, first_until, total_until, read_bytes: 0, said: false }
    }

    /// Reads until there is something to tell: all events of one piece of the body go to the end of `out` at once.
    ///
    /// Errors: the answer is late, broken or too long. Events before the error are in `out`.
    pub(crate) async fn read(&mut self, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let told = out.len();
        while out.len() == told && !self.decoder.is_done() {
            match timeout_at(self.until(), piece(&mut self.body)).await {
                Ok(Ok(Some(piece))) => self.feed(&piece, out)?,
                Ok(Ok(None)) => self.end(out)?,
                Ok(Err(_)) => self.cut(fault::truncated(), out)?,
                Err(_) => self.cut(fault::timeout(), out)?,
            }
            self.said = self.said || out.iter().any(|event| !matches!(event, ModelEvent::Start { .. }));
        }
        if self.decoder.is_done() {
            while let Some(Ok(Some(_))) = piece(&mut self.body).now_or_never() {}
        }
        Ok(())
    }

    /// True if nothing follows.
    pub(crate) fn is_done(&self) -> bool {
        self.decoder.is_done()
    }

    /// True if an event other than `Start` was read.
    pub(crate) fn has_said(&self) -> bool {
        self.said
    }

    /// Waits a moment for the end of the body.
    pub(crate) async fn close(mut self) {
        let until = Instant::now() + AFTER_END;
        while let Ok(Ok(Some(_))) = timeout_at(until, piece(&mut self.body)).await {}
    }

    fn until(&self) -> Instant {
        let is_whole = matches!(self.form, Form::Whole(_));
        let until = if self.decoder.is_finished() {
            Instant::now() + self.timeouts.stream_idle.min(AFTER_FINISH)
        } else if self.said || is_whole {
            Instant::now() + self.timeouts.stream_idle
        } else {
            self.first_until
        };
        until.min(self.total_until)
    }

    fn feed(&mut self, piece: &Bytes, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        self.read_bytes = self.read_bytes.saturating_add(piece.len());
        if self.read_bytes > ANSWER_BYTES {
            return Err(fault::malformed("it is too long"));
        }
        let Self { form, decoder, .. } = self;
        if let Form::Unknown(head) = form {
            head.extend_from_slice(piece);
            let Some(known) = form_of(head) else { return Ok(()) };
            let head = std::mem::take(head);
            *form = known;
            return pass(form, decoder.as_mut(), &head, out);
        }
        pass(form, decoder.as_mut(), piece, out)
    }

    fn end(&mut self, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let Self { form, decoder, .. } = self;
        match form {
            Form::Unknown(_) => Err(fault::truncated()),
            Form::Whole(body) => decoder.whole(body, out),
            Form::Stream(frames) => {
                let last = frames.finish(|frame| decoder.feed(frame, out));
                match last {
                    Err(error) if error.cause == Failure::Malformed && !decoder.is_finished() => {
                        Err(fault::truncated()) // half of a frame cannot be understood
                    }
                    Err(error) if error.cause != Failure::Malformed => Err(error),
                    Err(_) | Ok(()) => decoder.end(out),
                }
            }
        }
    }

    /// The body broke off, which is of no matter once the answer is complete.
    fn cut(&mut self, error: ModelError, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if self.decoder.is_finished() { self.decoder.end(out) } else { Err(error) }
    }
}

fn pass(
    form: &mut Form,
    decoder: &mut dyn Decoder,
    bytes: &[u8],
    out: &mut Vec<ModelEvent>,
) -> Result<(), ModelError> {
    match form {
        Form::Unknown(_) => Ok(()),
        Form::Whole(body) => {
            body.extend_from_slice(bytes);
            Ok(())
        }
        Form::Stream(frames) => frames
            .feed(bytes, |frame| decoder.feed(frame, out).map_err(Fault::Model))
            .map_err(ModelError::from),
    }
}

fn form_of(head: &mut Vec<u8>) -> Option<Form> {
    let stream = || Form::Stream(Frames::new(EVENT_BYTES));
    is_stream(head).map(|is_stream| if is_stream { stream() } else { Form::Whole(Vec::new()) })
}

/// By the first byte that is no blank: a stream begins with a field name or a comment. `None` if there is none yet; the
/// blanks are dropped then, so that they are looked at once.
pub(crate) fn is_stream(head: &mut Vec<u8>) -> Option<bool> {
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    match text.first() {
        None => {
            head.clear();
            None
        }
        Some(b':' | b'd' | b'e' | b'i' | b'r') => Some(true),
        Some(0xEF) if head.len() < 3 => None,
        Some(_) => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_of_blanks_is_not_kept() {
        let mut head = Vec::new();
        for (piece, left, expected) in [
            (&b"\xEF\xBB"[..], 2, None),
            (b"\xBF \r\n", 0, None),
            (b"\n\n  ", 0, None),
            (b"\n", 0, None),
            (b" data: 1", 8, Some(true)),
        ] {
            head.extend_from_slice(piece);
            assert_eq!((is_stream(&mut head), head.len()), (expected, left), "{piece:?}");
        }
        assert_eq!(is_stream(&mut b"  {\"a\":1}".to_vec()), Some(false));
        assert_eq!(is_stream(&mut b"\xEF\xBB\xBF{".to_vec()), Some(false));
    }
}
