//! The port of the snapshot stream. Every route asks for a token first, and shows a proxy its own gateway alone.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use config::delivery::{Applied, FromOperator, FromProxy, Hello, MAX_FRAME_BYTES, SnapshotFrame};
use config::snapshot::Delta;
use config::{GatewayId, Snapshot};
use futures_util::StreamExt;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, info, warn};

use crate::delivery::hub::Hub;
use crate::delivery::identity::{Identities, Identity};
use crate::delivery::stream;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// The largest body of a proxy.
const BODY_BYTES: usize = 1 << 20;
const HANDSHAKE: Duration = Duration::from_secs(5);
/// A stream lives no longer than this, whatever its token says.
const LIFETIME: Duration = Duration::from_secs(3600);

/// What every connection needs.
pub(crate) struct Delivery {
    pub(crate) hub: Arc<Hub>,
    pub(crate) identities: Identities,
    pub(crate) tls: Option<TlsAcceptor>,
}

/// A refusal: status and reason.
type Refused = (StatusCode, &'static str);

/// Serves until dropped.
pub(crate) async fn serve(listener: TcpListener, delivery: Arc<Delivery>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        debug!(%error, "Cannot set TCP_NODELAY");
                    }
                    connections.spawn(connection(stream, peer, Arc::clone(&delivery)));
                }
                Err(error) => {
                    warn!(%error, "Cannot accept on the configuration port");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: tokio::net::TcpStream, peer: SocketAddr, delivery: Arc<Delivery>) {
    let Some(tls) = delivery.tls.clone() else { return converse(stream, delivery).await };
    match timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => converse(stream, delivery).await,
        Ok(Err(error)) => debug!(%error, %peer, "TLS handshake failed"),
        Err(_) => debug!(%peer, "TLS handshake took too long"),
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, delivery: Arc<Delivery>) {
    let service = service_fn(move |request| {
        let delivery = Arc::clone(&delivery);
        async move { Ok::<_, Infallible>(answer(&delivery, request).await.unwrap_or_else(refusal)) }
    });
    let served =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        debug!(%error, "A configuration connection broke");
    }
}

async fn answer(delivery: &Delivery, request: Request<Incoming>) -> Result<Response<Body>, Refused> {
    let token = bearer(&request).ok_or((StatusCode::UNAUTHORIZED, "a bearer token is required"))?.to_owned();
    let identity = delivery.identities.of(&token).await.map_err(|error| {
        warn!(error = %crate::chain(&error), "Cannot check the token of a proxy");
        (StatusCode::SERVICE_UNAVAILABLE, "the token cannot be checked at the moment")
    })?;
    let identity = identity.ok_or((StatusCode::UNAUTHORIZED, "the token is not valid here"))?;
    if !*delivery.hub.is_synced.borrow() {
        return Err((StatusCode::SERVICE_UNAVAILABLE, "not synced yet"));
    }
    let path = request.uri().path().to_owned();
    match (request.method(), path.as_str()) {
        (&Method::POST, "/config/v1/stream") => open(delivery, &identity, &token, request).await,
        (&Method::POST, "/config/v1/reports") => report(delivery, &identity, request).await,
        (&Method::GET, path) => snapshot(delivery, &identity, path),
        _ => Err((StatusCode::NOT_FOUND, "not found")),
    }
}

async fn open(
    delivery: &Delivery,
    identity: &Identity,
    token: &str,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refused> {
    let hello: Hello = read(request).await?;
    authorize(delivery, identity, &hello.gateway)?;
    if !is_name(&hello.proxy) {
        return Err((StatusCode::BAD_REQUEST, "the name of a proxy has 1 to 253 printable characters"));
    }
    if !*delivery.hub.leads.borrow() || !delivery.hub.with(|fleet, _| fleet.has_term()) {
        return Ok(whole(StatusCode::OK, stream::line(&FromOperator::NotLeader { leader: None })));
    }
    let welcome = delivery.hub.change(|fleet, _| fleet.hello(&hello));
    info!(proxy = hello.proxy, gateway = %hello.gateway, version = hello.version, "A proxy has connected");
    let lifetime = LIFETIME.min(remaining(token).unwrap_or(LIFETIME));
    let frames = stream::frames(Arc::clone(&delivery.hub), hello.gateway, welcome, Instant::now() + lifetime);
    let body = StreamBody::new(frames.map(|line| Ok::<_, Infallible>(Frame::data(line))));
    let mut response = Response::new(BodyExt::boxed_unsync(body));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

/// Statuses hold the names of proxies.
fn is_name(name: &str) -> bool {
    (1..=253).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

async fn report(
    delivery: &Delivery,
    identity: &Identity,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refused> {
    let told: FromProxy = read(request).await?;
    let session = match &told {
        FromProxy::Ack(ack) => ack.session.clone(),
        FromProxy::Report(report) => report.session.clone(),
        FromProxy::Recalled(recalled) => recalled.session.clone(),
    };
    let unknown = (StatusCode::CONFLICT, "unknown session");
    let gateway = delivery.hub.with(|fleet, _| fleet.gateway_of(&session)).ok_or(unknown)?;
    authorize(delivery, identity, &gateway)?;
    let is_known = match told {
        FromProxy::Ack(ack) => delivery.hub.change(|fleet, now| fleet.ack(&gateway, ack, now)),
        FromProxy::Report(report) => {
            let changed = delivery.hub.with(|fleet, now| fleet.report(&gateway, report, now));
            if changed == Some(true) {
                delivery.hub.ring();
            }
            changed.is_some()
        }
        FromProxy::Recalled(recalled) => delivery.hub.change(|fleet, _| fleet.recalled(&gateway, recalled)),
    };
    if is_known { Ok(whole(StatusCode::NO_CONTENT, Bytes::new())) } else { Err(unknown) }
}

/// One full snapshot, for a proxy that has nothing, and for eyes. Its epoch is 0, so that any leader supersedes it.
fn snapshot(delivery: &Delivery, identity: &Identity, path: &str) -> Result<Response<Body>, Refused> {
    let missing = (StatusCode::NOT_FOUND, "not found");
    let named = path.strip_prefix("/config/v1/gateways/").and_then(|rest| rest.strip_suffix("/snapshot"));
    let (namespace, name) = named.and_then(|named| named.split_once('/')).ok_or(missing)?;
    let gateway = GatewayId::new(namespace, name);
    let (sequence, snapshot) = authorize(delivery, identity, &gateway)?;
    let applied = Applied { hash: snapshot.hash, epoch: 0, sequence };
    let frames = SnapshotFrame::cut(applied, Delta::full(&snapshot), MAX_FRAME_BYTES / 2);
    let lines = frames.into_iter().flat_map(|frame| stream::line(&FromOperator::Snapshot(Box::new(frame))));
    let mut response = whole(StatusCode::OK, lines.collect());
    if let Ok(tag) = header::HeaderValue::from_str(&format!("\"{}\"", snapshot.hash)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// An identity sees the gateway that names it. A gateway that is not there is refused in the same words.
fn authorize(
    delivery: &Delivery,
    identity: &Identity,
    gateway: &GatewayId,
) -> Result<(u64, Arc<Snapshot>), Refused> {
    let refused = (StatusCode::FORBIDDEN, "this identity may not fetch the configuration of that gateway");
    let (sequence, snapshot) = delivery.hub.with(|fleet, _| fleet.current(gateway)).ok_or(refused)?;
    let is_own =
        |(namespace, name): &(String, String)| *namespace == identity.namespace && *name == identity.name;
    let is_named = snapshot.gateway().is_some_and(|spec| spec.service_accounts.iter().any(is_own));
    if is_named { Ok((sequence, snapshot)) } else { Err(refused) }
}

async fn read<T: serde::de::DeserializeOwned>(request: Request<Incoming>) -> Result<T, Refused> {
    let body = timeout(HANDSHAKE, Limited::new(request.into_body(), BODY_BYTES).collect()).await;
    let body = body.map_err(|_| (StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"))?;
    let body =
        body.map_err(|_| (StatusCode::PAYLOAD_TOO_LARGE, "the body is too large or broken"))?.to_bytes();
    serde_json::from_slice(&body).map_err(|_| (StatusCode::BAD_REQUEST, "the body is no frame"))
}

fn bearer(request: &Request<Incoming>) -> Option<&str> {
    request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// How long a token is valid yet, by its own word: the API server has checked it.
#[expect(clippy::disallowed_methods, reason = "the times in tokens are those of the wall clock")]
fn remaining(token: &str) -> Option<Duration> {
    use base64::Engine;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let expires = serde_json::from_slice::<serde_json::Value>(&claims).ok()?["exp"].as_u64()?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Duration::from_secs(expires).saturating_sub(now))
}

fn whole(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(BodyExt::boxed_unsync(Full::new(body)));
    *response.status_mut() = status;
    response
}

fn refusal((status, why): Refused) -> Response<Body> {
    whole(status, Bytes::from(format!("{why}\n")))
}
