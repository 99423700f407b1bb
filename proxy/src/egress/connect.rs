//! Connections to upstreams: TCP, with or without TLS, within the connect timeout.

use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use crate::egress::KEEP_ALIVE;
use crate::egress::resolve::Guard;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Dials upstreams.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    kind: Kind,
    patience: Duration,
}

#[derive(Clone, Debug)]
enum Kind {
    Plain(HttpConnector<Guard>),
    Encrypted(HttpsConnector<HttpConnector<Guard>>),
}

impl Connector {
    /// Speaks without TLS.
    pub(super) fn plain(guard: Guard, patience: Duration) -> Self {
        Self { kind: Kind::Plain(tcp(guard)), patience }
    }

    /// Speaks TLS, and HTTP/2 where the upstream does.
    pub(super) fn encrypted(guard: Guard, patience: Duration, tls: ClientConfig) -> Self {
        let mut tcp = tcp(guard);
        tcp.enforce_http(false);
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_only();
        Self { kind: Kind::Encrypted(builder.enable_all_versions().wrap_connector(tcp)), patience }
    }
}

fn tcp(guard: Guard) -> HttpConnector<Guard> {
    let mut tcp = HttpConnector::new_with_resolver(guard);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(KEEP_ALIVE));
    tcp
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Self::Response, Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match &mut self.kind {
            Kind::Plain(tcp) => tcp.poll_ready(context).map_err(Error::from),
            Kind::Encrypted(tls) => tls.poll_ready(context),
        }
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let dialled = match &mut self.kind {
            Kind::Plain(tcp) => {
                let dialled = tcp.call(uri);
                async { Ok(MaybeHttpsStream::Http(dialled.await?)) }.boxed()
            }
            Kind::Encrypted(tls) => tls.call(uri).boxed(),
        };
        let patience = self.patience;
        async move { timeout(patience, dialled).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))? }
            .boxed()
    }
}
