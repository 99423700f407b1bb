//! One connection to a server. What is asked over it goes through rmcp; here its types become ours.

mod child;
mod ear;
mod fault;
mod guard;
mod handshake;
mod lenient;
mod page;

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use protocol::Object;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientRequest, CustomResult, InputRequest, InputRequests,
    InputResponses, ListToolsRequest, PaginatedRequestParams, RequestMetaObject, ServerResult,
};
use rmcp::service::{PeerRequestOptions, RunningService};
use rmcp::{Peer, RoleClient};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use self::ear::Ear;
use self::guard::Guard;
use super::failure::{Failure, Reason};
use super::outcome::{Outcome, Raw};
use super::server::{Call, Limits, Place, Protocol, Sink, Timeouts, Trace};

pub(super) use fault::{of_request as request_reason, post_status};
pub(super) use lenient::mended;
pub(super) use page::Page;

/// JSON-RPC: the request is not one that is answered here.
const INVALID_REQUEST: i64 = -32600;

/// How long a goodbye may take, and how long a program that ends.
const GOODBYE: Duration = Duration::from_secs(2);
const LAST_GOODBYE: Duration = Duration::from_secs(8);

/// What a connection needs of a server: no reference to it, so that it may outlive a change of configuration.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) place: Place,
    pub(super) protocol: Protocol,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) limits: Limits,
    pub(super) timeouts: Timeouts,
}

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Era {
    Modern,
    Legacy,
    Sse,
}

/// One connection to a server.
pub(super) struct Session {
    connection: RunningService<RoleClient, Ear>,
    era: Era,
    limits: Limits,
    timeouts: Timeouts,
    /// Passes on what a program writes to its standard error.
    log: Option<JoinSet<()>>,
}

impl Session {
    /// Connects and greets, within the time for a list.
    ///
    /// Errors: the server is not there, refuses, or speaks none of the protocols.
    pub(super) async fn open(wire: &Wire) -> Result<Self, Failure> {
        match timeout(wire.timeouts.list, Box::pin(handshake::open(wire))).await {
            Ok(opened) => opened,
            Err(_) => Err(Reason::Timeout.into()),
        }
    }

    fn new(connection: RunningService<RoleClient, Ear>, era: Era, wire: &Wire) -> Self {
        Self { connection, era, limits: wire.limits, timeouts: wire.timeouts, log: None }
    }

    pub(super) fn era(&self) -> Era {
        self.era
    }

    /// The version of the protocol.
    pub(super) fn version(&self) -> String {
        self.connection.peer_info().map(|info| info.protocol_version.to_string()).unwrap_or_default()
    }

    pub(super) fn is_alive(&self) -> bool {
        !self.connection.is_closed() && !self.connection.is_transport_closed()
    }

    /// How often the server has said that its tools changed.
    pub(super) fn changes(&self) -> usize {
        self.connection.service().changes()
    }

    /// One page of the tool list.
    ///
    /// Errors: it cannot be had.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest of a foreign enum is none of ours")]
    pub(super) async fn page(&self, cursor: Option<String>) -> Result<Page, Failure> {
        let request = ListToolsRequest {
            method: Default::default(),
            params: Some(PaginatedRequestParams::default().with_cursor(cursor)),
            extensions: Default::default(),
        };
        let (request, options) = (ClientRequest::ListToolsRequest(request), PeerRequestOptions::no_options());
        let page = match self.request(request, options, (self.timeouts.list, None)).await? {
            ServerResult::ListToolsResult(page) => serde_json::to_value(page).ok(),
            ServerResult::CustomResult(CustomResult(page)) => Some(page),
            _ => None,
        };
        page.as_ref().and_then(Page::read).ok_or_else(|| Reason::Malformed.into())
    }

    /// One call. Dropping the future tells the server to stop.
    ///
    /// Errors: the tool failed, or the server did.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest of a foreign enum is none of ours")]
    pub(super) async fn call(&self, call: &Call) -> Result<Outcome, Failure> {
        let mut params = CallToolRequestParams::new(call.tool.clone()).with_arguments(call.arguments.clone());
        for _ in 0..self.limits.input_rounds.max(1) {
            let options = PeerRequestOptions::no_options().with_meta(meta(&call.trace));
            let request = ClientRequest::CallToolRequest(CallToolRequest::new(params.clone()));
            match self.request(request, options, (self.timeouts.call, call.progress.clone())).await? {
                // The same call again, with the server's opaque state sent back verbatim.
                ServerResult::InputRequiredResult(asked) => {
                    params.input_responses = declined(asked.input_requests.unwrap_or_default())?;
                    params.request_state = asked.request_state;
                }
                result => return self.outcome(result),
            }
        }
        Err(Reason::Rounds.into())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest of a foreign enum is none of ours")]
    fn outcome(&self, result: ServerResult) -> Result<Outcome, Failure> {
        let raw = match result {
            ServerResult::CallToolResult(result) => Some(Raw {
                content: result.content.iter().filter_map(|block| serde_json::to_value(block).ok()).collect(),
                structured: result.structured_content,
                is_error: result.is_error.unwrap_or_default(),
            }),
            // A result without content.
            ServerResult::EmptyResult(_) | ServerResult::TaskAckResult(_) => Some(Raw::default()),
            ServerResult::CustomResult(CustomResult(result)) => Raw::of(&result),
            _ => None,
        };
        Outcome::read(&raw.ok_or(Reason::Malformed)?, self.limits.output_bytes)
    }

    async fn request(
        &self,
        request: ClientRequest,
        options: PeerRequestOptions,
        (patience, sink): (Duration, Option<Sink>),
    ) -> Result<ServerResult, Failure> {
        let peer: &Peer<RoleClient> = self.connection.peer();
        let handle = peer.send_cancellable_request(request, options).await;
        let handle = handle.map_err(|error| fault::of_service(&error))?;
        let beat = Arc::new(Notify::new());
        let _listening = self.connection.service().listen(handle.progress_token.clone(), heard(&beat, sink));
        let guard = Guard::new(peer.clone(), handle.id.clone());
        // Not by rmcp's own timeout: what it keeps for that of a call that is dropped is never freed.
        let mut response = pin!(handle.await_response());
        loop {
            tokio::select! {
                biased; // an answer counts, however late
                result = &mut response => {
                    guard.disarm();
                    return result.map_err(|error| fault::of_service(&error));
                }
                () = beat.notified() => {}
                () = sleep(patience) => return Err(Reason::Timeout.into()),
            }
        }
    }

    /// Ends the session at the server, if it has one.
    pub(super) async fn close(self) {
        // A server that does not answer a goodbye forgets the session by itself, and a program that does not end is killed.
        let patience = if self.log.is_some() { LAST_GOODBYE } else { GOODBYE };
        let _ = timeout(patience, self.connection.cancel()).await;
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("era", &self.era).finish_non_exhaustive()
    }
}

/// Each report of progress shows that the call is alive.
fn heard(beat: &Arc<Notify>, sink: Option<Sink>) -> Sink {
    let beat = Arc::clone(beat);
    Arc::new(move |progress| {
        beat.notify_one();
        if let Some(sink) = &sink {
            sink(progress);
        }
    })
}

fn meta(trace: &Trace) -> RequestMetaObject {
    let mut meta = RequestMetaObject::from(Object::new());
    if let Some(parent) = &trace.parent {
        meta.set_traceparent(parent);
    }
    if let Some(state) = &trace.state {
        meta.set_tracestate(state);
    }
    meta
}

/// Elicitation is declined. Sampling and roots are never served: they would spend the tenant's tokens or show files.
fn declined(requests: InputRequests) -> Result<Option<InputResponses>, Failure> {
    let mut responses = InputResponses::new();
    for (key, request) in requests {
        let InputRequest::Elicitation(_) = request else {
            return Err(Failure::protocol(
                INVALID_REQUEST,
                "The tool asks for something that is not offered.",
            ));
        };
        let answer: Value = json!({"action": "decline"});
        responses.insert(key, answer);
    }
    Ok((!responses.is_empty()).then_some(responses))
}
