//! The only module that names pingora: listeners, request bodies, replies, drain.

pub mod body;
pub mod drain;
pub mod reply;
pub mod server;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderValue, header};
use pingora::http::RequestHeader;
use pingora::proxy::{ProxyHttp, Session};
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorType, Result};
use tokio::time::Instant;

use crate::app::{App, Reply, Request, refusal};
use crate::auth::Caller;
use crate::edge::reply::Outcome;
use crate::limits::overloaded;
use crate::live::build::Runtime;
use crate::route::{Operation, Route};
use crate::telemetry::access::{Line, Trail};
use crate::telemetry::trace;
use protocol::error::{ApiError, INVALID_REQUEST};

/// What is kept of an id that a client brings.
const HEADER_CHARS: usize = 512;
/// The longest pause of a client that reads or writes.
const STALL: Duration = Duration::from_secs(30);

/// The whole API behind one hook.
pub struct Edge {
    /// Set before the port is bound.
    pub app: Arc<OnceLock<Arc<App>>>,
}

/// What is known of a request when it ends.
pub struct Ctx {
    started: Instant,
    id: String,
    route: &'static str,
    trail: Trail,
    outcome: Option<Outcome>,
    _in_flight: Option<drain::Guard>,
}

#[async_trait]
impl ProxyHttp for Edge {
    type CTX = Ctx;

    fn new_ctx(&self) -> Ctx {
        let (trail, started) = (Trail::default(), Instant::now());
        Ctx { started, id: String::new(), route: "other", trail, outcome: None, _in_flight: None }
    }

    /// Answers here, always: nothing is forwarded by pingora itself.
    async fn request_filter(&self, session: &mut Session, ctx: &mut Ctx) -> Result<bool> {
        let Some(app) = self.app.get() else {
            return Err(Error::explain(ErrorType::HTTPStatus(503), "not started"));
        };
        session.set_read_timeout(Some(STALL));
        session.set_write_timeout(Some(STALL));
        ctx.id = request_id(app, session.req_header());
        ctx._in_flight = Some(app.drain.enter());
        match answer(app, session, ctx).await {
            Ok(outcome) => ctx.outcome = Some(outcome),
            // Still `Ok(true)`, so that `logging` sees this outcome and pingora logs no error.
            Err(_) => {
                ctx.outcome = Some(Outcome::ClientGone);
                session.set_keepalive(None);
            }
        }
        if ctx.outcome == Some(Outcome::ClientGone) {
            session.set_keepalive(None);
        }
        Ok(true)
    }

    async fn upstream_peer(&self, _: &mut Session, _: &mut Ctx) -> Result<Box<HttpPeer>> {
        Err(Error::explain(ErrorType::HTTPStatus(500), "nothing is forwarded"))
    }

    fn suppress_error_log(&self, _: &Session, _: &Ctx, _: &Error) -> bool {
        true
    }

    async fn logging(&self, session: &mut Session, _: Option<&Error>, ctx: &mut Ctx) {
        let Some(app) = self.app.get() else { return };
        let request = session.req_header();
        let status = session.response_written().map_or(0, |head| head.status.as_u16());
        let line = Line {
            id: &ctx.id,
            client_request_id: visible(request, "x-client-request-id"),
            remote: session.client_addr().map(ToString::to_string).unwrap_or_default(),
            method: request.method.as_str(),
            route: ctx.route,
            status,
            elapsed: ctx.started.elapsed(),
            bytes_out: session.body_bytes_sent(),
            disconnected: ctx.outcome != Some(Outcome::Sent),
        };
        app.metrics.request(ctx.route, status, ctx.started.elapsed());
        line.write(&ctx.trail, app.clock.now_ms());
    }
}

async fn answer(app: &Arc<App>, session: &mut Session, ctx: &mut Ctx) -> Result<Outcome> {
    let head = session.req_header();
    let reply = match Route::parse(&head.method, head.uri.path()) {
        Err(none) => {
            let mut reply = refusal(&none.error);
            if let Some(allow) = none.allow.and_then(|allow| HeaderValue::from_str(&allow).ok()) {
                reply.headers_mut().insert(header::ALLOW, allow);
            }
            Some(reply)
        }
        Ok(route) => {
            ctx.route = route.operation.label();
            match Box::pin(request(app, session, ctx, route)).await? {
                Ok(request) => handle(app, session, request).await?,
                Err(error) => Some(refusal(&error)),
            }
        }
    };
    let Some(mut reply) = reply else { return Ok(Outcome::ClientGone) };
    stamp(&mut reply, ctx);
    reply::write(session, reply).await
}

/// Runs the application; `None` if the client leaves first, which drops and so cancels it.
async fn handle(app: &Arc<App>, session: &mut Session, request: Request) -> Result<Option<Reply>> {
    let work = app.handle(request);
    tokio::pin!(work);
    tokio::select! {
        biased; // most replies are ready before anything else happens
        reply = &mut work => Ok(Some(reply)),
        gone = session.downstream_session.read_body_or_idle(true) => {
            gone?;
            Ok(None)
        }
    }
}

async fn request(
    app: &App,
    session: &mut Session,
    ctx: &Ctx,
    route: Route,
) -> Result<std::result::Result<Request, ApiError>> {
    let runtime = app.live.load();
    let caller = match admit(app, session.req_header(), &runtime, &route).await {
        Ok(caller) => caller,
        Err(error) => {
            session.set_keepalive(None); // a body that nobody reads would be taken for the next request
            return Ok(Err(error));
        }
    };
    ctx.trail.note(|notes| {
        notes.tenant = Some(caller.tenant.as_str().to_owned());
        notes.credential = caller.credential();
    });
    let body = if route.operation.has_body() {
        match body::read(session, runtime.settings.body_bytes).await? {
            Ok(body) => body,
            Err(error) => return Ok(Err(error)),
        }
    } else {
        bytes::Bytes::new()
    };
    let head = session.req_header();
    let query = head.uri.query().unwrap_or_default().to_owned();
    let (headers, id, trail) = (Arc::new(head.headers.clone()), ctx.id.clone(), ctx.trail.clone());
    Ok(Ok(Request { route, query, headers, body, caller, runtime, id, trail }))
}

/// Decides before the body is read: what the head says, who asks, and whether there is room.
async fn admit(
    app: &App,
    head: &RequestHeader,
    runtime: &Runtime,
    route: &Route,
) -> std::result::Result<Caller, ApiError> {
    checked_head(head)?;
    if route.operation == Operation::Health {
        return Ok(Caller::anonymous());
    }
    if app.drain.count() > runtime.settings.concurrency {
        return Err(overloaded());
    }
    runtime.gate.admit(&head.headers, &app.clock).await
}

/// Refuses heads that two readers may understand differently.
fn checked_head(head: &RequestHeader) -> std::result::Result<(), ApiError> {
    for name in [header::AUTHORIZATION, header::CONTENT_LENGTH] {
        if head.headers.get_all(&name).iter().count() > 1 {
            return Err(ApiError::new(400, INVALID_REQUEST, format!("The header {name} is given twice.")));
        }
    }
    Ok(())
}

/// The caller's own id where it brings one, else one of ours.
fn request_id(app: &App, head: &RequestHeader) -> String {
    let own = visible(head, "x-request-id");
    if !own.is_empty() {
        return own;
    }
    format!("req_{}", trace::hex(&app.seeds.next()[..16]))
}

fn stamp(reply: &mut Reply, ctx: &Ctx) {
    let headers = reply.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&ctx.id) {
        headers.insert("x-request-id", id);
    }
    let elapsed_ms = u64::try_from(ctx.started.elapsed().as_millis()).unwrap_or(u64::MAX);
    headers.insert("openai-processing-ms", HeaderValue::from(elapsed_ms));
    headers.insert("openai-version", HeaderValue::from_static("2020-10-01"));
}

/// A header of the client for the log: at most 512 printable ASCII characters.
fn visible(head: &RequestHeader, name: &str) -> String {
    let text = head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.chars().filter(|c| c.is_ascii_graphic()).take(HEADER_CHARS).collect()
}
