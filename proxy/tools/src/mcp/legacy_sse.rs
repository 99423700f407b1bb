//! The transport of 2024-11-05: messages go by POST, and all answers come over one event stream.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use protocol::destination::Destination;
use protocol::sse::decode::{Decoder, Frame, TooLong};
use rmcp::RoleClient;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::failure::{Failure, Reason};
use super::server::Web;
use super::session::{Wire, mended, post_status, request_reason};

/// A failure as an error, which the traits of rmcp want.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the event stream failed")]
pub(super) struct SseFailed(pub(super) Failure);

/// The transport.
pub(super) struct LegacySse {
    events: Events,
    outlet: Outlet,
}

/// Where messages go.
#[derive(Clone)]
struct Outlet {
    client: reqwest::Client,
    url: Url,
    headers: Vec<(HeaderName, HeaderValue)>,
    patience: std::time::Duration,
}

/// The event stream.
struct Events {
    bytes: BoxStream<'static, reqwest::Result<Bytes>>,
    decoder: Decoder,
    ready: VecDeque<Event>,
}

struct Event {
    name: String,
    data: String,
}

impl LegacySse {
    /// Opens the stream and waits for the address to post to.
    ///
    /// Errors: the server refuses, sends no event stream, or names an address that is not its own.
    pub(super) async fn open(wire: &Wire, web: &Web) -> Result<Self, Failure> {
        let deadline = Instant::now() + wire.timeouts.list;
        let get = web.client.get(web.url.url().clone()).header(ACCEPT, "text/event-stream");
        let sent =
            timeout_at(deadline, with(get, &wire.headers).send()).await.map_err(|_| Reason::Timeout)?;
        let response = sent.map_err(|error| request_reason(&error))?;
        if !response.status().is_success() {
            return Err(post_status(&response));
        }
        if !is_event_stream(&response) {
            return Err(Reason::Malformed.into());
        }
        let mut events = Events::new(response, wire.limits.message_bytes);
        let event = timeout_at(deadline, events.next()).await.map_err(|_| Reason::Timeout)??;
        let url = event.filter(|event| event.name == "endpoint").and_then(|event| endpoint(web, &event.data));
        let outlet = Outlet {
            client: web.client.clone(),
            url: url.ok_or(Reason::Malformed)?,
            headers: wire.headers.clone(),
            patience: wire.timeouts.list,
        };
        Ok(Self { events, outlet })
    }
}

impl Transport<RoleClient> for LegacySse {
    type Error = SseFailed;

    fn send(
        &mut self,
        message: ClientJsonRpcMessage,
    ) -> impl Future<Output = Result<(), SseFailed>> + Send + 'static {
        let outlet = self.outlet.clone();
        async move { outlet.post(&message).await.map_err(SseFailed) }
    }

    /// `None` ends the connection, and every call that waits fails.
    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            let event = self.events.next().await.ok()??;
            if !matches!(event.name.as_str(), "" | "message") {
                continue;
            }
            let message = serde_json::from_str(&event.data).ok().map(mended);
            if let Some(message) = message.and_then(|message| serde_json::from_value(message).ok()) {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> Result<(), SseFailed> {
        self.events.bytes = futures_util::stream::empty().boxed();
        Ok(())
    }
}

impl Outlet {
    /// The answer to a POST says no more than that it was taken.
    async fn post(self, message: &ClientJsonRpcMessage) -> Result<(), Failure> {
        let body = serde_json::to_vec(message).map_err(|_| Reason::Malformed)?;
        let post = self.client.post(self.url).header(CONTENT_TYPE, "application/json").body(body);
        let sent =
            timeout(self.patience, with(post, &self.headers).send()).await.map_err(|_| Reason::Timeout)?;
        let response = sent.map_err(|error| request_reason(&error))?;
        if response.status().is_success() { Ok(()) } else { Err(post_status(&response)) }
    }
}

impl Events {
    fn new(response: reqwest::Response, limit_bytes: usize) -> Self {
        Self {
            bytes: response.bytes_stream().boxed(),
            decoder: Decoder::new(limit_bytes),
            ready: VecDeque::new(),
        }
    }

    /// The next event; `None` at the end of the stream. Nothing is lost if the future is dropped.
    async fn next(&mut self) -> Result<Option<Event>, Failure> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let Some(bytes) = self.bytes.next().await else { return Ok(None) };
            let bytes = bytes.map_err(|error| request_reason(&error))?;
            let ready = &mut self.ready;
            let fed: Result<(), TooLong> = self.decoder.feed(&bytes, |frame| {
                ready.push_back(Event::of(frame));
                Ok(())
            });
            fed.map_err(|_| Reason::TooLarge)?;
        }
    }
}

impl Event {
    fn of(frame: Frame<'_>) -> Self {
        Self { name: frame.event.to_owned(), data: String::from_utf8_lossy(frame.data).into_owned() }
    }
}

fn with(request: reqwest::RequestBuilder, headers: &[(HeaderName, HeaderValue)]) -> reqwest::RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| request.header(name, value))
}

fn is_event_stream(response: &reqwest::Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// The address to post to: of the same origin, and within the rules like any other.
fn endpoint(web: &Web, said: &str) -> Option<Url> {
    let url = web.url.url().join(said.trim()).ok()?;
    let is_own = url.origin() == web.url.url().origin();
    let allowed = Destination::parse(url.as_str(), web.reach).ok()?;
    is_own.then(|| allowed.url().clone())
}
