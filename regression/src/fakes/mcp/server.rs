//! The server: accepts connections, takes new behaviour, and shows what came.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::answer::answer;
use super::behaviour::{Behaviour, Trouble, Turns};
use super::state::{Counts, State};
use crate::fakes::listen::accept;
use crate::fakes::model::Recorded;

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running MCP server; it stops when it is dropped.
pub struct McpServer {
    address: SocketAddr,
    state: Arc<State>,
    tasks: JoinSet<()>,
}

impl McpServer {
    /// Starts on a free port of 127.0.0.1, inside the caller's runtime.
    ///
    /// Errors: no port is free.
    pub async fn start(behaviour: Behaviour) -> anyhow::Result<Self> {
        Self::bind(SocketAddr::from(([127, 0, 0, 1], 0)), behaviour).await
    }

    /// Starts on `address`.
    ///
    /// Errors: the address cannot be bound.
    pub async fn bind(address: SocketAddr, behaviour: Behaviour) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::new(behaviour));
        let mut tasks = JoinSet::new();
        let served = Arc::clone(&state);
        tasks.spawn(accept(listener, move |stream| serve(stream, Arc::clone(&served))));
        Ok(Self { address, state, tasks })
    }

    /// Serves until it fails, which it does not.
    pub async fn run(mut self) {
        self.tasks.join_next().await;
    }

    /// Where streamable HTTP is.
    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// Where HTTP+SSE is.
    pub fn sse_url(&self) -> String {
        format!("http://{}/sse", self.address)
    }

    /// Where tokens are.
    pub fn token_url(&self) -> String {
        format!("http://{}/token", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes how it behaves.
    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.state.behaviour.lock());
    }

    /// Something goes wrong, for as many turns.
    pub fn trouble(&self, method: &str, trouble: Trouble, turns: Turns) {
        self.behave(|behaviour| behaviour.troubles.push((method.to_owned(), trouble, turns)));
    }

    /// Forgets its sessions, as a server does that is started anew.
    pub fn restart(&self) {
        self.state.forget_sessions();
    }

    /// Takes back every token that it issued.
    pub fn revoke(&self) {
        self.state.revoke();
    }

    /// The requests since the start.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.requests()
    }

    /// The messages with this JSON-RPC method.
    pub fn messages(&self, method: &str) -> Vec<Value> {
        let messages = self.requests().into_iter().map(|request| request.json());
        messages.filter(|message| message["method"] == method).collect()
    }

    /// How many messages came with this JSON-RPC method.
    pub fn asked(&self, method: &str) -> usize {
        self.messages(method).len()
    }

    pub fn counts(&self) -> Counts {
        *self.state.counts().borrow()
    }

    /// Waits until the counts are as `wanted`.
    ///
    /// Errors: they are not for 20 seconds.
    pub async fn until(&self, wanted: impl FnMut(&Counts) -> bool) -> anyhow::Result<Counts> {
        let mut counts = self.state.counts();
        let waited = tokio::time::timeout(PATIENCE, counts.wait_for(wanted)).await;
        let reached =
            waited.with_context(|| format!("the MCP server's counts stay at {:?}", self.counts()))?;
        Ok(*reached?)
    }

    /// Waits until as many messages came with this JSON-RPC method.
    ///
    /// Errors: they did not for 20 seconds.
    pub async fn until_asked(&self, method: &str, times: usize) -> anyhow::Result<()> {
        self.until(|_| self.asked(method) >= times).await.with_context(|| format!("no {method}"))?;
        Ok(())
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    // A client that is gone shows in the next read.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(request, Arc::clone(&state)));
    // An answer that is cut ends the connection with an error, which is what the test wants.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
