//! Names to addresses, each of which is checked.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::vec;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hyper_util::client::legacy::connect::dns;
use protocol::destination::Reach;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tower_service::Service;

/// Resolves a name, checks every address and hands exactly those to the connector.
#[derive(Clone, Debug)]
pub(super) struct Guard(pub(super) Reach);

impl Guard {
    async fn admitted(self, host: String) -> io::Result<vec::IntoIter<SocketAddr>> {
        let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
        let addresses: Vec<SocketAddr> = found.collect();
        for address in &addresses {
            self.0.admit(address.ip()).map_err(io::Error::other)?; // one bad answer refuses the name
        }
        Ok(addresses.into_iter())
    }
}

impl Service<dns::Name> for Guard {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: dns::Name) -> Self::Future {
        self.clone().admitted(name.as_str().to_owned()).boxed()
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let admitted = self.clone().admitted(name.as_str().to_owned());
        async { Ok(Box::new(admitted.await?) as Addrs) }.boxed()
    }
}
