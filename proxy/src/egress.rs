//! The only place that makes HTTP clients. They dial what the rules allow, follow no redirect and know no proxy.

mod connect;
mod resolve;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use parking_lot::Mutex;
use protocol::destination::{Denied, Destination, Reach};
use providers::Transport;
use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt;

use crate::egress::connect::Connector;
use crate::egress::resolve::Guard;

const USER_AGENT: &str = concat!("fairlead/", env!("CARGO_PKG_VERSION"));
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long a connection without a request is kept, and how many of them for a host.
const IDLE: Duration = Duration::from_secs(60);
const IDLE_CONNECTIONS: usize = 1024;

/// Makes the client for one upstream, whose address is `base_url`. Connections are pooled per client; nothing is dialled.
///
/// Errors: the certificates of the system cannot be had.
#[expect(clippy::disallowed_methods, reason = "this is the place that makes clients")]
pub fn upstream(
    base_url: &str,
    reach: Reach,
    connect: Duration,
) -> Result<Arc<dyn Transport>, rustls::Error> {
    let is_plain = url::Url::parse(base_url).is_ok_and(|url| url.scheme() == "http");
    let connector = if is_plain {
        Connector::plain(Guard(reach), connect)
    } else {
        Connector::encrypted(Guard(reach), connect, tls()?)
    };
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .build::<_, Full<Bytes>>(connector);
    Ok(Arc::new(client))
}

/// The settings of all upstreams, made when the first of them is: to read the certificates of the system takes long.
fn tls() -> Result<ClientConfig, rustls::Error> {
    static TLS: OnceLock<ClientConfig> = OnceLock::new();
    if let Some(known) = TLS.get() {
        return Ok(known.clone());
    }
    let made = ClientConfig::with_platform_verifier()?;
    Ok(TLS.get_or_init(|| made).clone())
}

/// Makes a client for documents that the configuration names, such as the keys of issuers.
///
/// Errors: the TLS set-up fails.
#[expect(clippy::disallowed_methods, reason = "this is the place that makes clients")]
pub fn documents(reach: Reach, connect: Duration) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .dns_resolver(Arc::new(Guard(reach)))
        .connect_timeout(connect)
        .tcp_nodelay(true)
        .tcp_keepalive(KEEP_ALIVE)
        .build()
}

/// Clients for MCP servers: one for each reach and patience, since to make one takes long.
#[derive(Debug, Default)]
pub struct Clients(Mutex<Vec<(Reach, Duration, reqwest::Client)>>);

impl Clients {
    /// The client that reaches so far and waits so long for a connection.
    ///
    /// Errors: the TLS set-up fails.
    pub fn get(&self, reach: Reach, connect: Duration) -> reqwest::Result<reqwest::Client> {
        let mut made = self.0.lock();
        if let Some((.., client)) = made.iter().find(|(r, c, _)| (*r, *c) == (reach, connect)) {
            return Ok(client.clone());
        }
        let client = documents(reach, connect)?;
        made.push((reach, connect, client.clone()));
        Ok(client)
    }
}

/// Makes the client for the operator, whose address the command line gives; `ca` are the certificates that it is known by.
///
/// Errors: the TLS set-up fails.
#[expect(clippy::disallowed_methods, reason = "this is the place that makes clients")]
pub fn operator_client(ca: Option<Vec<reqwest::Certificate>>) -> reqwest::Result<reqwest::Client> {
    let client = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_secs(2))
        .tcp_nodelay(true)
        .tcp_keepalive(KEEP_ALIVE);
    match ca {
        Some(ca) => client.tls_certs_only(ca).build(),
        None => client.build(),
    }
}

/// Checks a URL that an object of the configuration brings.
///
/// Errors: the rule that it breaks.
pub fn checked(url: &str, reach: Reach) -> Result<Destination, Denied> {
    Destination::parse(url, reach)
}

/// Checks a URL that a caller brings: `https` on its usual ports, or this machine where `loopback` opens it.
///
/// Errors: the rule that it breaks.
pub fn caller_url(url: &str, loopback: bool) -> Result<Destination, Denied> {
    Destination::of_caller(url, loopback)
}

/// Checks the URL of the operator: it sends credentials, so it is encrypted or on this machine.
///
/// Errors: the rule that it breaks.
pub fn operator_url(url: &str) -> Result<String, Denied> {
    let checked = Destination::parse(url, Reach { http: true, private: true, loopback: true })?;
    if checked.is_encrypted_or_local() { Ok(url.to_owned()) } else { Err(Denied::Scheme) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_encrypted_or_on_this_machine() {
        for good in [
            "https://fairlead-operator.fairlead-system.svc:8443",
            "https://10.0.0.7:8443",
            "http://127.0.0.1:8443",
        ] {
            assert_eq!(operator_url(good).as_deref(), Ok(good));
        }
        for bad in ["http://fairlead-operator.fairlead-system.svc:8443", "http://10.0.0.7:8443"] {
            assert_eq!(operator_url(bad), Err(Denied::Scheme), "{bad}");
        }
        assert!(operator_url("fairlead-operator:8443").is_err());
    }
}
