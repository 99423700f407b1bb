//! What carries requests to upstreams: a port, with hyper's pooled client behind it.

use std::fmt;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::Connect;
use hyper_util::client::legacy::{Client, Error};

/// Sends requests whose addresses were checked, follows no redirect and keeps the connect timeout.
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends a request to an absolute URL.
    ///
    /// Errors: no connection, or one that broke before the head of an answer.
    fn send(&self, request: Request<Full<Bytes>>) -> BoxFuture<'static, Result<Response<Incoming>, Error>>;
}

impl<C: Connect + Clone + Send + Sync + 'static> Transport for Client<C, Full<Bytes>> {
    fn send(&self, request: Request<Full<Bytes>>) -> BoxFuture<'static, Result<Response<Incoming>, Error>> {
        self.request(request).boxed()
    }
}

/// The next piece of a body; `None` at its end. Cancellation: nothing is lost.
///
/// Errors: the connection broke, or the peer breaks the protocol.
pub(crate) async fn piece(body: &mut Incoming) -> hyper::Result<Option<Bytes>> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}
