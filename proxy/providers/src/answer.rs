//! One answer while it arrives: bytes to events, with deadlines and bounds.

use std::time::Duration;

use agent::model::{Failure, ModelError, ModelEvent};
use bytes::Bytes;
use futures_util::FutureExt;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::dialect::Decoder;
use crate::fault;
use crate::intake::{Bound, Ended, Intake};
use crate::settings::Timeouts;
use crate::transport::piece;

const BOUND: Bound = Bound { event_bytes: 4 << 20, too_long: "an event is too long" };
/// How long counts may come after the reason why the answer ended.
const AFTER_FINISH: Duration = Duration::from_secs(2);
/// How long the end of the body may come after the end of the answer, so that the connection can be used again.
const AFTER_END: Duration = Duration::from_millis(100);

pub(crate) struct Answer {
    body: Incoming,
    decoder: Box<dyn Decoder>,
    intake: Intake,
    timeouts: Timeouts,
    /// When the first event must be there.
    first_until: Instant,
    /// When all must be over.
    total_until: Instant,
    /// True once there was an event other than `Start`.
    said: bool,
}

impl Answer {
    pub(crate) fn new(
        body: Incoming,
        decoder: Box<dyn Decoder>,
        timeouts: Timeouts,
        (first_until, total_until): (Instant, Instant),
    ) -> Self {
        let intake = Intake::new(BOUND);
        Self { body, decoder, intake, timeouts, first_until, total_until, said: false }
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
        let until = if self.decoder.is_finished() {
            Instant::now() + self.timeouts.stream_idle.min(AFTER_FINISH)
        } else if self.said || self.intake.is_whole() {
            Instant::now() + self.timeouts.stream_idle
        } else {
            self.first_until
        };
        until.min(self.total_until)
    }

    fn feed(&mut self, piece: &Bytes, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let Self { intake, decoder, .. } = self;
        intake.feed(piece, |frame| decoder.feed(frame, out))
    }

    fn end(&mut self, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let Self { intake, decoder, .. } = self;
        match intake.end(|frame| decoder.feed(frame, out)) {
            Ended::Nothing => Err(fault::truncated()),
            Ended::Whole(body) => decoder.whole(&body, out),
            Ended::Stream(Err(error)) if error.cause == Failure::Malformed && !decoder.is_finished() => {
                Err(fault::truncated()) // half of a frame cannot be understood
            }
            Ended::Stream(Err(error)) if error.cause != Failure::Malformed => Err(error),
            Ended::Stream(Err(_) | Ok(())) => decoder.end(out),
        }
    }

    /// The body broke off, which is of no matter once the answer is complete.
    fn cut(&mut self, error: ModelError, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if self.decoder.is_finished() { self.decoder.end(out) } else { Err(error) }
    }
}
