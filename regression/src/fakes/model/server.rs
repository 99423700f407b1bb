//! The server: accepts connections and shows what came.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::answer::answer;
use super::script::Script;
use super::socket::{Fuse, Socket};
use super::state::{Counts, Recorded, State};
use crate::fakes::listen::accept;

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Time between two frames of an answer that no script paces.
pub type Pace = Duration;

/// A running model server; it stops when it is dropped.
pub struct ModelServer {
    address: SocketAddr,
    state: Arc<State>,
    tasks: JoinSet<()>,
}

impl ModelServer {
    /// Starts on a free port of 127.0.0.1, inside the caller's runtime.
    ///
    /// Errors: no port is free.
    pub async fn start() -> anyhow::Result<Self> {
        Self::bind(SocketAddr::from(([127, 0, 0, 1], 0)), Pace::ZERO).await
    }

    /// Starts on `address`.
    ///
    /// Errors: the address cannot be bound.
    pub async fn bind(address: SocketAddr, pace: Pace) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::new(pace));
        let mut tasks = JoinSet::new();
        let served = Arc::clone(&state);
        tasks.spawn(accept(listener, move |stream| serve(stream, Arc::clone(&served))));
        Ok(Self { address, state, tasks })
    }

    /// Serves until it fails, which it does not.
    pub async fn run(mut self) {
        self.tasks.join_next().await;
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL for a provider: `http://127.0.0.1:PORT/v1`.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Adds a script; the first one that matches a request is used.
    pub fn script(&self, script: impl Into<Script>) {
        self.state.push([script.into()]);
    }

    /// The requests since the start or the last reset.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.requests()
    }

    /// Forgets scripts and requests.
    pub fn reset(&self) {
        self.state.reset();
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
            waited.with_context(|| format!("the model server's counts stay at {:?}", self.counts()))?;
        Ok(*reached?)
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    // A client that is gone shows in the next read.
    let _ = stream.set_nodelay(true);
    let fuse = Fuse::default();
    let socket = Socket::new(stream, fuse.clone(), Arc::clone(&state));
    let service = service_fn(move |request| answer(request, Arc::clone(&state), fuse.clone()));
    // An answer that is cut ends the connection with an error, which is what the script wants.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
}
