//! One answer of an image model while it arrives: bytes to events, with deadlines and bounds.

use std::collections::VecDeque;

use agent::image::ImageEvent;
use agent::model::ModelError;
use bytes::Bytes;
use hyper::body::Incoming;
use protocol::sse::decode::Frame;
use tokio::time::{Instant, timeout_at};

use crate::fault;
use crate::images::{PATIENCE, decode};
use crate::intake::{Bound, Ended, Intake};
use crate::settings::Timeouts;
use crate::transport::piece;

/// An image of 20 MiB in Base64.
const BOUND: Bound = Bound { event_bytes: 28 << 20, too_long: "an image is too large" };

pub(super) struct Reading {
    body: Incoming,
    intake: Intake,
    ready: VecDeque<ImageEvent>,
    timeouts: Timeouts,
    total_until: Instant,
}

impl Reading {
    pub(super) fn new(body: Incoming, timeouts: Timeouts, total_until: Instant) -> Self {
        Self { body, intake: Intake::new(BOUND), ready: VecDeque::new(), timeouts, total_until }
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
        let Self { intake, ready, .. } = self;
        intake.feed(piece, |frame| take(frame, ready))
    }

    /// The event at the end of the body.
    fn end(&mut self) -> Result<ImageEvent, ModelError> {
        let Self { intake, ready, .. } = self;
        match intake.end(|frame| take(frame, ready)) {
            // Half of a frame cannot be understood.
            Ended::Nothing | Ended::Stream(Err(_)) => Err(fault::truncated()),
            Ended::Whole(body) => decode::whole(&body).map(ImageEvent::Done),
            Ended::Stream(Ok(())) => ready.pop_front().ok_or_else(fault::truncated),
        }
    }
}

fn take(frame: Frame<'_>, ready: &mut VecDeque<ImageEvent>) -> Result<(), ModelError> {
    ready.extend(decode::event(frame.data)?);
    Ok(())
}
