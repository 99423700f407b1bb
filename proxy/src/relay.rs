//! Pass-through on our own client: the model's name changes, nothing else does.

mod meter;

use std::sync::Arc;
use std::time::Duration;

use agent::model::ModelError;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http::{HeaderValue, StatusCode, header};
use protocol::error::{ApiError, SERVER_ERROR};
use protocol::sse::encode;
use providers::{RelayBody, Relayed};
use tokio::time::timeout;

use crate::app::{App, Body, OpenStream, Reply, Request, event_stream};
use crate::live::resolve::Resolution;
pub use meter::Meter;

/// A comment goes to a client that has heard nothing for so long.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The largest answer that is not a stream.
const ANSWER_BYTES: usize = 64 << 20;

/// An answer of an upstream with what measures it.
pub struct Passed {
    pub relayed: Relayed,
    pub meter: Meter,
}

/// Sends `body` to the model and returns its answer of 2xx.
///
/// Errors: what the client shall see when no target answered.
pub async fn pass(
    app: &Arc<App>,
    request: &Request,
    model: &Resolution,
    (path, body): (&'static str, RelayBody),
) -> Result<Passed, ApiError> {
    let mut meter = Meter::new(app, &model.label, request.trail.clone());
    request.trail.note(|notes| notes.stream = Some(body.is_stream()));
    let call = app.call(request, model);
    match model.targets.relay(path, body, call).await {
        Ok(relayed) => Ok(Passed { relayed, meter }),
        Err(failure) => {
            meter.failed(&failure);
            Err(failure.error)
        }
    }
}

impl Passed {
    /// True if the answer is a stream of events.
    pub fn is_stream(&self) -> bool {
        let kind = self.relayed.content_type.as_ref().and_then(|kind| kind.to_str().ok());
        kind.is_some_and(|kind| kind.trim_start().starts_with("text/event-stream"))
    }

    /// The answer as it is.
    ///
    /// Errors: 502 if an answer that is not a stream breaks off or is too large.
    pub async fn reply(self, app: &App, request: &Request) -> Result<Reply, ApiError> {
        if self.is_stream() {
            return Ok(event_stream(events(self, app.open_stream(request)?)));
        }
        let (status, kind) = (self.relayed.status, self.relayed.content_type.clone());
        let whole = self.whole().await?;
        Ok(plain(status, kind, whole))
    }

    /// The whole answer, for one that is not a stream.
    ///
    /// Errors: 502 if it breaks off or is too large.
    pub async fn whole(self) -> Result<Bytes, ApiError> {
        let Self { mut relayed, mut meter } = self;
        let mut whole: Option<Bytes> = None;
        while let Some(piece) = relayed.body.next().await {
            let piece =
                piece.inspect_err(|failure| meter.failed(failure)).map_err(|failure| failure.error)?;
            meter.piece(&piece);
            let joined = whole.take().map_or_else(|| piece.clone(), |before| joined(&before, &piece));
            if joined.len() > ANSWER_BYTES {
                return Err(ApiError::new(502, SERVER_ERROR, "The model server's answer is too large."));
            }
            whole = Some(joined);
        }
        meter.done();
        Ok(whole.unwrap_or_default())
    }
}

fn joined(before: &Bytes, piece: &Bytes) -> Bytes {
    let mut whole = BytesMut::with_capacity(before.len() + piece.len());
    whole.extend_from_slice(before);
    whole.extend_from_slice(piece);
    whole.freeze()
}

fn plain(status: StatusCode, kind: Option<HeaderValue>, body: Bytes) -> Reply {
    let mut reply = http::Response::new(Body::Full(body));
    *reply.status_mut() = status;
    let kind = kind.unwrap_or(HeaderValue::from_static("application/json"));
    reply.headers_mut().insert(header::CONTENT_TYPE, kind);
    reply
}

/// The pieces as they come. A silent upstream is bridged by comments; one that breaks off ends in an `error` frame.
fn events(passed: Passed, open: OpenStream) -> BoxStream<'static, Bytes> {
    let state = Some((passed, true));
    let pieces = stream::unfold(state, |state| async {
        let (mut passed, at_boundary) = state?;
        let next = loop {
            match timeout(KEEP_ALIVE, passed.relayed.body.next()).await {
                Ok(next) => break next,
                Err(_) if at_boundary => {
                    return Some((Bytes::from_static(encode::KEEP_ALIVE), Some((passed, true))));
                }
                Err(_) => {}
            }
        };
        match next {
            Some(Ok(piece)) => {
                passed.meter.piece(&piece);
                let at_boundary = piece.ends_with(b"\n\n") || piece.ends_with(b"\r\n\r\n");
                Some((piece, Some((passed, at_boundary))))
            }
            Some(Err(failure)) => {
                passed.meter.failed(&failure);
                Some((last_words(&failure, at_boundary), None))
            }
            None => {
                passed.meter.done();
                None
            }
        }
    });
    pieces.inspect(move |_| _ = &open).boxed()
}

/// What ends a stream that broke off.
fn last_words(failure: &ModelError, at_boundary: bool) -> Bytes {
    let mut words = Vec::new();
    if !at_boundary {
        words.extend_from_slice(b"\n\n");
    }
    words.extend_from_slice(b"data: ");
    words.extend_from_slice(&failure.error.body());
    words.extend_from_slice(b"\n\n");
    words.extend_from_slice(encode::DONE);
    words.into()
}
