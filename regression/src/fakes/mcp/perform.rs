//! Puts an answer on the wire, step by step.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use serde_json::Value;
use tokio::sync::Notify;

use super::state::State;

/// The body of an answer.
pub(super) type Body = UnsyncBoxBody<Bytes, Broken>;

/// The answer ends before its end, as the test wants.
#[derive(Debug, thiserror::Error)]
#[error("cut by the test")]
pub(super) struct Broken;

/// A part of an answer.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Wait(Duration),
    /// Nothing more before this.
    Held(Arc<Notify>),
    Message(Value),
    Bytes(Bytes),
    /// A comment, again and again.
    Drip(Duration),
    /// Nothing more.
    Hang,
    /// The connection breaks.
    Cut,
}

/// An answer under way: it is counted, and if it is dropped before its end, as aborted.
struct Performance {
    steps: VecDeque<Step>,
    state: Arc<State>,
    finished: bool,
}

/// A body that is there as a whole.
pub(super) fn whole(status: u16, kind: &str, body: impl Into<Bytes>) -> Response<Body> {
    let body = Full::new(body.into()).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    header(&mut response, "content-type", kind);
    response
}

pub(super) fn json(status: u16, value: &Value) -> Response<Body> {
    whole(status, "application/json", value.to_string())
}

/// Sets a header; what cannot be one is left out.
pub(super) fn header(response: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(name, value);
    }
}

/// An event stream.
pub(super) fn events(state: &Arc<State>, steps: Vec<Step>) -> Response<Body> {
    state.count(|counts| counts.open += 1);
    let performance = Performance { steps: steps.into(), state: Arc::clone(state), finished: false };
    let body = BodyExt::boxed_unsync(StreamBody::new(stream::unfold(performance, Performance::next)));
    let mut response = Response::new(body);
    header(&mut response, "content-type", "text/event-stream");
    response
}

pub(super) fn event(message: &Value) -> Bytes {
    Bytes::from(format!("event: message\ndata: {message}\n\n"))
}

impl Performance {
    async fn next(mut self) -> Option<(Result<Frame<Bytes>, Broken>, Self)> {
        loop {
            // Gives hyper the time to write the piece before, so that none is lost by a cut.
            tokio::task::yield_now().await;
            match self.steps.pop_front() {
                None => {
                    self.finished = true;
                    return None;
                }
                Some(Step::Wait(pause)) => tokio::time::sleep(pause).await,
                Some(Step::Held(until)) => until.notified().await,
                Some(Step::Message(message)) => {
                    self.finished = self.steps.is_empty();
                    return Some((Ok(Frame::data(event(&message))), self));
                }
                Some(Step::Bytes(bytes)) => return Some((Ok(Frame::data(bytes)), self)),
                Some(Step::Drip(pause)) => {
                    tokio::time::sleep(pause).await;
                    self.steps.push_front(Step::Drip(pause));
                    return Some((Ok(Frame::data(Bytes::from_static(b": drip\n\n"))), self));
                }
                Some(Step::Hang) => std::future::pending().await,
                Some(Step::Cut) => {
                    self.finished = true;
                    return Some((Err(Broken), self));
                }
            }
        }
    }
}

impl Drop for Performance {
    fn drop(&mut self) {
        let aborted = usize::from(!self.finished);
        self.state.count(|counts| {
            counts.open -= 1;
            counts.aborted += aborted;
        });
    }
}
