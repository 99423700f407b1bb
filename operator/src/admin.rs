//! The admin port: `/healthz`, `/readyz` and `/metrics`.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::debug;

use crate::delivery::hub::Hub;

/// The kinds that keep the operator from being ready; empty = ready.
pub(crate) type Unlisted = Vec<&'static str>;

/// Serves until dropped.
pub(crate) async fn serve(listener: TcpListener, unlisted: watch::Receiver<Unlisted>, hub: Arc<Hub>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(converse(TokioIo::new(stream), unlisted.clone(), Arc::clone(&hub)))),
                Err(error) => debug!(%error, "Cannot accept a connection"),
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(
    stream: TokioIo<tokio::net::TcpStream>,
    unlisted: watch::Receiver<Unlisted>,
    hub: Arc<Hub>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (status, text) = match request.uri().path() {
            "/metrics" => (StatusCode::OK, metrics(&hub)),
            path => answer(path, &unlisted.borrow()),
        };
        async move {
            let mut response = Response::new(Full::new(Bytes::from(text)));
            *response.status_mut() = status;
            Ok::<_, Infallible>(response)
        }
    });
    if let Err(error) = http1::Builder::new().timer(TokioTimer::new()).serve_connection(stream, service).await
    {
        debug!(%error, "Admin connection failed");
    }
}

/// Figures in Prometheus' text format.
fn metrics(hub: &Hub) -> String {
    let mut text = String::new();
    let leader = u8::from(*hub.leads.borrow());
    text.push_str(&format!("# TYPE fairlead_operator_leader gauge\nfairlead_operator_leader {leader}\n"));
    text.push_str("# TYPE fairlead_operator_proxies gauge\n");
    for (gateway, figures) in hub.with(|fleet, now| fleet.all(now)) {
        let states = [
            ("connected", figures.connected),
            ("applied", figures.applied),
            ("rejected", figures.rejected),
            ("stale", figures.stale),
        ];
        for (state, count) in states {
            text.push_str(&format!(
                "fairlead_operator_proxies{{gateway=\"{gateway}\",state=\"{state}\"}} {count}\n"
            ));
        }
    }
    text
}

fn answer(path: &str, unlisted: &[&str]) -> (StatusCode, String) {
    match path {
        "/healthz" => (StatusCode::OK, "ok\n".to_owned()),
        "/readyz" if unlisted.is_empty() => (StatusCode::OK, "ok\n".to_owned()),
        "/readyz" => (StatusCode::SERVICE_UNAVAILABLE, format!("not listed yet: {}\n", unlisted.join(", "))),
        _ => (StatusCode::NOT_FOUND, "not found\n".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_once_every_kind_is_listed() {
        let waiting = answer("/readyz", &["Model", "ModelProvider"]);
        assert_eq!(
            waiting,
            (StatusCode::SERVICE_UNAVAILABLE, "not listed yet: Model, ModelProvider\n".to_owned())
        );
        assert_eq!(answer("/readyz", &[]).0, StatusCode::OK);
    }

    #[test]
    fn it_is_healthy_before_it_is_ready() {
        assert_eq!(answer("/healthz", &["Model"]).0, StatusCode::OK);
        assert_eq!(answer("/", &[]).0, StatusCode::NOT_FOUND);
    }
}
