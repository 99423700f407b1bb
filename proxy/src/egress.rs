//! The only place that makes HTTP clients. They dial what the rules allow, follow no redirect and know no proxy.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use protocol::destination::{Denied, Destination, Reach};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Makes the client for one upstream. Connections are pooled per client.
///
/// Errors: the TLS set-up fails.
#[expect(clippy::disallowed_methods, reason = "this is the place that makes clients")]
pub fn client(reach: Reach, connect: Duration) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .user_agent(concat!("fairlead/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .dns_resolver(Arc::new(Guard(reach)))
        .connect_timeout(connect)
        .pool_idle_timeout(Duration::from_secs(60))
        .pool_max_idle_per_host(1024)
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(30))
        .build()
}

/// Makes the client for the operator, whose address the command line gives; `ca` are the certificates that it is known by.
///
/// Errors: the TLS set-up fails.
#[expect(clippy::disallowed_methods, reason = "this is the place that makes clients")]
pub fn operator_client(ca: Option<Vec<reqwest::Certificate>>) -> reqwest::Result<reqwest::Client> {
    let client = reqwest::Client::builder()
        .user_agent(concat!("fairlead/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_secs(2))
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(30));
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
    let checked = Destination::parse(url, Reach { http: loopback, private: false, loopback })?;
    if !checked.is_encrypted_or_local() {
        return Err(Denied::Scheme);
    }
    let port = checked.url().port_or_known_default();
    if checked.is_local() || matches!(port, Some(443 | 8443)) { Ok(checked) } else { Err(Denied::Port) }
}

/// Checks the URL of the operator: it sends credentials, so it is encrypted or on this machine.
///
/// Errors: the rule that it breaks.
pub fn operator_url(url: &str) -> Result<String, Denied> {
    let checked = Destination::parse(url, Reach { http: true, private: true, loopback: true })?;
    if checked.is_encrypted_or_local() { Ok(url.to_owned()) } else { Err(Denied::Scheme) }
}

/// Resolves a name, checks every address and hands exactly those to the connector.
struct Guard(Reach);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, host) = (self.0, name.as_str().to_owned());
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> = found.collect();
            for address in &addresses {
                reach.admit(address.ip())?; // one bad answer refuses the name
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
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
