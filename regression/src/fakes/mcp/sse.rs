//! HTTP+SSE of 2024-11-05: one stream carries all answers.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::Response;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::behaviour::Behaviour;
use super::legacy;
use super::perform::{Body, Broken, Step, event, header, whole};
use super::rpc::Asked;
use super::state::State;

/// The stream of a session, which ends with it.
struct Stream {
    state: Arc<State>,
    session: String,
    answers: UnboundedReceiver<Value>,
    is_new: bool,
}

pub(super) fn open(state: &Arc<State>) -> Response<Body> {
    let (session, answers) = state.open_outlet();
    let stream = Stream { state: Arc::clone(state), session, answers, is_new: true };
    let mut response =
        Response::new(BodyExt::boxed_unsync(StreamBody::new(stream::unfold(stream, Stream::next))));
    header(&mut response, "content-type", "text/event-stream");
    response
}

/// Takes a message; its answer comes over the stream.
pub(super) fn take(asked: &Asked, query: &str, behaviour: &Behaviour, state: &Arc<State>) -> Response<Body> {
    let Some(outlet) = query.strip_prefix("session=").and_then(|session| state.outlet(session)) else {
        return whole(404, "text/plain", "no such session");
    };
    if !asked.is_silent() {
        state.tasks.lock().spawn(perform(legacy::steps(asked, behaviour), outlet));
    }
    whole(202, "text/plain", "Accepted")
}

async fn perform(steps: Vec<Step>, outlet: UnboundedSender<Value>) {
    for step in steps {
        match step {
            Step::Wait(pause) => tokio::time::sleep(pause).await,
            Step::Held(until) => until.notified().await,
            // A stream that is gone needs no answer.
            Step::Message(message) => drop(outlet.send(message)),
            Step::Bytes(_) | Step::Drip(_) | Step::Hang | Step::Cut => return,
        }
    }
}

impl Stream {
    async fn next(mut self) -> Option<(Result<Frame<Bytes>, Broken>, Self)> {
        if self.is_new {
            self.is_new = false;
            let endpoint = format!("event: endpoint\ndata: /messages?session={}\n\n", self.session);
            return Some((Ok(Frame::data(Bytes::from(endpoint))), self));
        }
        let answer = self.answers.recv().await?;
        Some((Ok(Frame::data(event(&answer))), self))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.state.close_outlet(&self.session);
    }
}
