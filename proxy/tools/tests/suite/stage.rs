//! A pool, and a server that it may speak to.

use std::sync::Arc;
use std::time::Duration;

use protocol::Object;
use protocol::destination::{Destination, Reach};
use protocol::id::Tenant;
use protocol::responses::mcp::McpError;
use regression::fakes::mcp::{Behaviour, Eras, McpServer};
use secrecy::SecretString;
use serde_json::Value;
use tools::mcp::{Call, Catalog, Failure, Headers, Outcome, Place, Pool, Protocol, Server, Timeouts, Web};

pub(crate) const REACH: Reach = Reach { http: true, private: false, loopback: true };

/// A pool and a fake server.
pub(crate) struct Stage {
    pub(crate) pool: Pool,
    pub(crate) fake: McpServer,
    pub(crate) tenant: Tenant,
    /// One for the stage: making one reads the certificates of the system.
    client: reqwest::Client,
}

impl Stage {
    pub(crate) async fn new(behaviour: Behaviour) -> anyhow::Result<Self> {
        let fake = McpServer::start(behaviour).await?;
        Ok(Self { pool: Pool::default(), fake, tenant: Tenant::new("acme"), client: client() })
    }

    pub(crate) async fn of(eras: Eras) -> anyhow::Result<Self> {
        Self::new(Behaviour { eras, ..Behaviour::default() }).await
    }

    /// The fake, with timeouts that a test can wait for.
    pub(crate) fn server(&self) -> Server {
        with_client(self.client.clone(), &self.fake.url())
    }

    pub(crate) async fn names(&self, server: &Server) -> Result<Vec<String>, Failure> {
        let catalog = self.pool.list(&self.tenant, server).await?;
        Ok(names(&catalog))
    }

    pub(crate) async fn call(
        &self,
        server: &Server,
        tool: &str,
        arguments: Value,
    ) -> Result<String, Failure> {
        let called = self.pool.call(&self.tenant, server, &call(tool, arguments)).await;
        called.map(|Outcome { output, .. }| output)
    }
}

pub(crate) fn server(url: &str) -> Server {
    with_client(client(), url)
}

fn with_client(client: reqwest::Client, url: &str) -> Server {
    let url = Destination::parse(url, REACH).expect("an allowed URL");
    let mut server = Server::new(client, url, REACH);
    server.timeouts = Timeouts {
        list: Duration::from_secs(3),
        call: Duration::from_millis(900),
        total: Duration::from_secs(5),
    };
    server
}

pub(crate) fn web(server: &mut Server) -> &mut Web {
    let Place::Web(web) = &mut server.place else { panic!("it has a URL") };
    web
}

pub(crate) fn speaking(mut server: Server, protocol: Protocol) -> Server {
    server.protocol = protocol;
    server
}

pub(crate) fn bearing(mut server: Server, token: &str) -> Server {
    server.headers = Headers::default().with_bearer(&SecretString::from(token)).expect("a token");
    server
}

fn client() -> reqwest::Client {
    builder().build().expect("a client")
}

/// A client that asks `resolver` for addresses.
pub(crate) fn guarded(resolver: Arc<dyn reqwest::dns::Resolve>) -> reqwest::Client {
    builder().dns_resolver(resolver).build().expect("a client")
}

#[expect(clippy::disallowed_methods, reason = "what it dials is on this machine")]
fn builder() -> reqwest::ClientBuilder {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    builder.connect_timeout(Duration::from_secs(2))
}

pub(crate) fn call(tool: &str, arguments: Value) -> Call {
    let arguments: Object = serde_json::from_value(arguments).expect("an object");
    Call { tool: tool.to_owned(), arguments, ..Call::default() }
}

pub(crate) fn names(catalog: &Catalog) -> Vec<String> {
    catalog.tools.iter().map(|tool| tool.name.clone()).collect()
}

pub(crate) fn code(failure: &Failure) -> i64 {
    error(failure)["code"].as_i64().unwrap_or_default()
}

/// The `error` of the `mcp_call`.
pub(crate) fn error(failure: &Failure) -> Value {
    McpError::from(failure.clone()).value()
}
