//! Sends an answer at its pace, to the end that the script wants.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;

use super::exchange::Exchange;
use super::script::Ending;

/// The body of an answer.
pub(super) type Body = UnsyncBoxBody<Bytes, Broken>;

/// The answer ends before its end, as the script wants.
#[derive(Debug)]
pub(super) struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut by the script")
    }
}

impl std::error::Error for Broken {}

/// What is left to send.
pub(super) struct Performance {
    pub(super) pieces: VecDeque<Bytes>,
    pub(super) pace: Duration,
    pub(super) ending: Ending,
    pub(super) exchange: Exchange,
}

impl Performance {
    pub(super) fn body(self) -> Body {
        BodyExt::boxed_unsync(StreamBody::new(stream::unfold(self, Self::next)))
    }

    async fn next(mut self) -> Option<(Result<Frame<Bytes>, Broken>, Self)> {
        // Gives hyper the time to write the piece before, so that each is a write of its own and none is lost by a cut.
        tokio::task::yield_now().await;
        let Some(piece) = self.pieces.pop_front() else { return self.end().await };
        if !self.pace.is_zero() {
            tokio::time::sleep(self.pace).await;
        }
        if self.pieces.is_empty() && self.ending == Ending::Clean {
            self.exchange.finish();
        }
        Some((Ok(Frame::data(piece)), self))
    }

    async fn end(mut self) -> Option<(Result<Frame<Bytes>, Broken>, Self)> {
        match self.ending {
            Ending::Clean => {
                self.exchange.finish();
                return None;
            }
            Ending::Fin => self.exchange.finish(),
            Ending::Reset => self.exchange.reset(),
            Ending::Stall => std::future::pending().await,
        }
        Some((Err(Broken), self))
    }
}
