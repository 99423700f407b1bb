//! The admin port: health, readiness, metrics, and what is being served.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::app::App;

/// Serves the admin port until `stop`. Connections are owned by the returned future.
pub async fn serve(listener: TcpListener, app: Arc<App>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        warn!(%error, "Cannot set TCP_NODELAY on an admin connection");
                    }
                    connections.spawn(connection(stream, Arc::clone(&app)));
                }
                Err(error) => {
                    warn!(%error, "Cannot accept on the admin port");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            },
        }
    }
}

/// Binds the admin port.
///
/// Errors: the address is taken or not ours.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

async fn connection(stream: tokio::net::TcpStream, app: Arc<App>) {
    let service = service_fn(move |request| {
        let reply = answer(&app, &request);
        async move { Ok::<_, Infallible>(reply) }
    });
    let served =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "An admin connection broke");
    }
}

fn answer(app: &App, request: &http::Request<Incoming>) -> Response<Full<Bytes>> {
    if request.method() != Method::GET {
        return reply(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET is served here\n");
    }
    match request.uri().path() {
        "/healthz" => reply(StatusCode::OK, "text/plain", "ok\n"),
        "/readyz" if app.drain.is_draining() => {
            reply(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "draining\n")
        }
        "/readyz" if app.drain.is_ready() => reply(StatusCode::OK, "text/plain", "ok\n"),
        "/readyz" => reply(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "starting\n"),
        "/metrics" => reply(StatusCode::OK, "text/plain; version=0.0.4", app.metrics.text()),
        "/status" => reply(StatusCode::OK, "application/json", status(app)),
        _ => reply(StatusCode::NOT_FOUND, "text/plain", "try /healthz, /readyz, /metrics or /status\n"),
    }
}

fn status(app: &App) -> Vec<u8> {
    let status = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "inFlight": app.drain.count(),
        "draining": app.drain.is_draining(),
        "configuration": app.live.status(),
    });
    serde_json::to_vec_pretty(&status).unwrap_or_default()
}

fn reply(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
    reply
}
