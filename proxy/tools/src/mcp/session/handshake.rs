//! Finds out what a server speaks, and greets it in that.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::ProtocolVersion;
use rmcp::service::ClientInitializeError;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientLifecycleMode, ClientServiceExt};
use tokio::time::timeout;

use super::child;
use super::ear::Ear;
use super::lenient::Lenient;
use super::{Era, Session, Wire, fault};
use crate::mcp::failure::{Failure, Reason};
use crate::mcp::legacy_sse::LegacySse;
use crate::mcp::program::Program;
use crate::mcp::server::{Place, Protocol, Web};

/// Of a refusal, what is read at all.
const REFUSAL_BYTES: usize = 1 << 10;

/// Connects and greets.
///
/// Errors: the server is not there, refuses, or speaks none of the protocols.
pub(super) async fn open(wire: &Wire) -> Result<Session, Failure> {
    let at = match &wire.place {
        Place::Web(web) => (wire, web),
        Place::Program(program) => return start(wire, program).await,
    };
    match wire.protocol {
        Protocol::Modern => streamable(at, discover()).await.map_err(|error| fault::of_handshake(&error)),
        Protocol::Legacy => initialize(at).await,
        Protocol::Sse => sse(at).await,
        Protocol::Auto => auto(at).await,
    }
}

/// A server with a URL, and how it is spoken to.
type At<'a> = (&'a Wire, &'a Web);

/// Programs are greeted in the way that all of them know.
async fn start(wire: &Wire, program: &Arc<Program>) -> Result<Session, Failure> {
    let (transport, log) = child::start(program).await?;
    let ear = Ear::new(Some(ProtocolVersion::V_2025_11_25));
    let opened = Box::pin(ear.serve_with_lifecycle(transport, ClientLifecycleMode::Initialize)).await;
    let connection = opened.map_err(|error| fault::of_handshake(&error))?;
    Ok(Session { log: Some(log), ..Session::new(connection, Era::Legacy, wire) })
}

/// Streamable HTTP first, unless the path says otherwise, and HTTP+SSE where there is nothing to post to.
async fn auto(at: At<'_>) -> Result<Session, Failure> {
    let (wire, web) = at;
    let is_sse = web.url.url().path().ends_with("/sse");
    if is_sse && let Some(settled) = settled(within(wire.timeouts.list / 3, sse(at)).await) {
        return settled;
    }
    match within(wire.timeouts.list / 2, either_era(at)).await {
        Err(failure) if !is_sse && has_no_post(&failure) => match sse(at).await {
            Ok(session) => Ok(session),
            // The first answer says more about a server that speaks neither.
            Err(_) => Err(failure),
        },
        Err(failure) if failure.reason() == Some(Reason::Timeout) => initialize(at).await,
        other => other,
    }
}

/// Asks what the server is, and greets it in the older way if it does not understand.
async fn either_era(at: At<'_>) -> Result<Session, Failure> {
    let lifecycle = ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: Some(ProtocolVersion::V_2025_11_25),
    };
    match streamable(at, lifecycle).await {
        // Answers that are no discovery, of which rmcp does not conclude that the server is an older one.
        Err(
            ClientInitializeError::ExpectedInitResult(_)
            | ClientInitializeError::ExpectedInitResponse(_)
            | ClientInitializeError::NoCompatibleProtocolVersion { .. }
            | ClientInitializeError::ConnectionClosed(_),
        ) => initialize(at).await,
        other => other.map_err(|error| fault::of_handshake(&error)),
    }
}

async fn initialize(at: At<'_>) -> Result<Session, Failure> {
    let opened = streamable(at, ClientLifecycleMode::Initialize).await;
    opened.map_err(|error| fault::of_handshake(&error))
}

async fn streamable(
    (wire, web): At<'_>,
    lifecycle: ClientLifecycleMode,
) -> Result<Session, ClientInitializeError> {
    let headers: HashMap<_, _> = wire.headers.iter().cloned().collect();
    let config = StreamableHttpClientTransportConfig::with_uri(web.url.url().as_str())
        .custom_headers(headers)
        .max_concurrent_requests(wire.limits.calls)
        .max_sse_event_size(wire.limits.message_bytes)
        .max_json_response_size(wire.limits.message_bytes)
        .max_error_response_size(REFUSAL_BYTES);
    let transport = StreamableHttpClientTransport::with_client(Lenient(web.client.clone()), config);
    let offered = (lifecycle == ClientLifecycleMode::Initialize).then_some(ProtocolVersion::V_2025_11_25);
    let connection = Box::pin(Ear::new(offered).serve_with_lifecycle(transport, lifecycle)).await?;
    let is_modern = connection.peer_info().is_some_and(|info| !info.protocol_version.has_initialize());
    Ok(Session::new(connection, if is_modern { Era::Modern } else { Era::Legacy }, wire))
}

async fn sse((wire, web): At<'_>) -> Result<Session, Failure> {
    let transport = LegacySse::open(wire, web).await?;
    let ear = Ear::new(Some(ProtocolVersion::V_2024_11_05));
    let opened = Box::pin(ear.serve_with_lifecycle(transport, ClientLifecycleMode::Initialize)).await;
    let connection = opened.map_err(|error| fault::of_handshake(&error))?;
    Ok(Session::new(connection, Era::Sse, wire))
}

fn discover() -> ClientLifecycleMode {
    ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }
}

async fn within(
    patience: Duration,
    opening: impl Future<Output = Result<Session, Failure>>,
) -> Result<Session, Failure> {
    match timeout(patience, Box::pin(opening)).await {
        Ok(opened) => opened,
        Err(_) => Err(Reason::Timeout.into()),
    }
}

/// A success, or a failure that another protocol would not avoid.
fn settled(opened: Result<Session, Failure>) -> Option<Result<Session, Failure>> {
    let is_final = |failure: &Failure| {
        matches!(
            failure.reason(),
            Some(
                Reason::Unreachable
                    | Reason::Denied
                    | Reason::Tls
                    | Reason::Status(401 | 403 | 429 | 500..=599)
            )
        )
    };
    match opened {
        Err(failure) if !is_final(&failure) => None,
        settled => Some(settled),
    }
}

fn has_no_post(failure: &Failure) -> bool {
    matches!(failure.reason(), Some(Reason::Status(400 | 404 | 405)))
}
