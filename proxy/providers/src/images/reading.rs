//! One answer of an image model while it arrives: bytes to events, with deadlines and bounds.

use std::collections::VecDeque;

use agent::image::ImageEvent;
use agent::model::ModelError;
use bytes::Bytes;
use hyper::body::Incoming;
use protocol::sse::decode::{Decoder as Frames, Frame, TooLong};
use tokio::time::{Instant, timeout_at};

use crate::answer::is_stream;
use crate::fault;
use crate::images::{PATIENCE, decode};
use crate::settings::Timeouts;
use crate::transport::piece;

/// The bound of one event: an image of 20 MiB in Base64.
const EVENT_BYTES: usize = 28 << 20;
/// The bound of one answer.
const ANSWER_BYTES: usize = 64 << 20;

pub(super) struct Reading {
    body: Incoming,
    form: Form,
    ready: VecDeque<ImageEvent>,
    timeouts: Timeouts,
    total_until: Instant,
    read_bytes: usize,
}

/// What the bytes are; servers do not always stream when they are asked to.
enum Form {
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
            Fault::TooLong => fault::malformed("an image is too large"),
        }
    }
}

impl Reading {
    pub(super) fn new(body: Incoming, timeouts: Timeouts, total_until: Instant) -> Self {
        let form = Form::Unknown(Vec::new());
        Self { body, form, ready: VecDeque::new(), timeouts, total_until, read_bytes: 0 }
    }

    /// The next event.
    ///
    /// Errors: the answer is late, broken, too long, an error, or without an image.
    pub(super) async fn next(&mut self) -> Result<ImageEvent, ModelError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            let patience = self.timeouts.stream_idle.max(PATIENCE);
            let until = self.total_until.min(Instant::now() + patience);
            match timeout_at(until, piece(&mut self.body)).await {
                Ok(Ok(Some(piece))) => self.feed(&piece)?,
                Ok(Ok(None)) => return self.end(),
                Ok(Err(_)) => return Err(fault::truncated()),
                Err(_) => return Err(fault::timeout()),
            }
        }
    }

    fn feed(&mut self, piece: &Bytes) -> Result<(), ModelError> {
        self.read_bytes = self.read_bytes.saturating_add(piece.len());
        if self.read_bytes > ANSWER_BYTES {
            return Err(fault::malformed("it is too long"));
        }
        if let Form::Unknown(head) = &mut self.form {
            head.extend_from_slice(piece);
            let Some(is_stream) = is_stream(head) else { return Ok(()) };
            let head = std::mem::take(head);
            self.form =
                if is_stream { Form::Stream(Frames::new(EVENT_BYTES)) } else { Form::Whole(Vec::new()) };
            return self.pass(&head);
        }
        self.pass(piece)
    }

    fn pass(&mut self, bytes: &[u8]) -> Result<(), ModelError> {
        let Self { form, ready, .. } = self;
        match form {
            Form::Unknown(_) => Ok(()),
            Form::Whole(body) => {
                body.extend_from_slice(bytes);
                Ok(())
            }
            Form::Stream(frames) => frames.feed(bytes, |frame| take(frame, ready)).map_err(ModelError::from),
        }
    }

    /// The event at the end of the body.
    fn end(&mut self) -> Result<ImageEvent, ModelError> {
        let Self { form, ready, .. } = self;
        match form {
            Form::Unknown(_) => Err(fault::truncated()),
            Form::Whole(body) => decode::whole(body).map(ImageEvent::Done),
            Form::Stream(frames) => {
                // Half of a frame cannot be understood.
                frames.finish(|frame| take(frame, ready)).map_err(|_| fault::truncated())?;
                ready.pop_front().ok_or_else(fault::truncated)
            }
        }
    }
}

fn take(frame: Frame<'_>, ready: &mut VecDeque<ImageEvent>) -> Result<(), Fault> {
    ready.extend(decode::event(frame.data).map_err(Fault::Model)?);
    Ok(())
}
