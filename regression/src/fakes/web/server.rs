//! The server: accepts connections, and shows what came.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::engines::{Engine, Hit};
use super::pages::{Body, Page};
use crate::fakes::listen::accept;
use crate::fakes::model::Recorded;

type Sent = BoxBody<Bytes, Infallible>;

/// A running web; it stops when it is dropped.
pub struct WebServer {
    address: SocketAddr,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct State {
    key: Mutex<String>,
    results: Mutex<Vec<Hit>>,
    /// What engines answer, whatever they are asked.
    trouble: Mutex<Option<Page>>,
    pages: Mutex<BTreeMap<String, Page>>,
    requests: Mutex<Vec<Recorded>>,
}

impl WebServer {
    /// Starts on a free port of 127.0.0.1, inside the caller's runtime. Engines want `key`.
    ///
    /// Errors: no port is free.
    pub async fn start(key: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State { key: Mutex::new(key.to_owned()), ..State::default() });
        let mut tasks = JoinSet::new();
        let served = Arc::clone(&state);
        tasks.spawn(accept(listener, move |stream| serve(stream, Arc::clone(&served))));
        Ok(Self { address, state, _tasks: tasks })
    }

    /// Where a path is.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What engines find from now on.
    pub fn find(&self, results: Vec<Hit>) {
        *self.state.results.lock() = results;
    }

    /// What engines answer from now on; `None` is what they find.
    pub fn trouble(&self, trouble: Option<Page>) {
        *self.state.trouble.lock() = trouble;
    }

    /// Puts a page at a path.
    pub fn page(&self, path: &str, page: Page) {
        self.state.pages.lock().insert(path.to_owned(), page);
    }

    /// The requests since the start.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.requests.lock().clone()
    }

    /// How often a path was asked for, whatever its query.
    pub fn asked(&self, path: &str) -> usize {
        let fits = |request: &&Recorded| request.path.split('?').next() == Some(path);
        self.state.requests.lock().iter().filter(fits).count()
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(move |request| answer(request, Arc::clone(&state)));
    // A client that leaves ends the connection with an error.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, state: Arc<State>) -> anyhow::Result<Response<Sent>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    state.requests.lock().push(Recorded::new(&head, &body));
    let page = match Engine::of(&head) {
        Some(engine) => {
            let trouble = state.trouble.lock().clone();
            let refusal = trouble.or_else(|| engine.refuses(&head, &state.key.lock()));
            refusal.unwrap_or_else(|| Page::json(200, &engine.answer(&state.results.lock())))
        }
        None => {
            let page = state.pages.lock().get(head.uri.path()).cloned();
            page.unwrap_or_else(|| Page::new(404, "text/html", "not found"))
        }
    };
    send(page).await
}

async fn send(page: Page) -> anyhow::Result<Response<Sent>> {
    let mut response = Response::builder().status(page.status);
    for (name, value) in &page.headers {
        response = response.header(name, value);
    }
    let body = match page.body {
        Body::Text(text) => Full::new(Bytes::from(text)).boxed(),
        Body::Silence(time) => {
            tokio::time::sleep(time).await;
            Full::new(Bytes::new()).boxed()
        }
        Body::Endless(text) => {
            let piece = Bytes::from(text);
            let pieces = stream::repeat_with(move || Ok(Frame::data(piece.clone())));
            StreamBody::new(pieces).boxed()
        }
    };
    Ok(response.body(body)?)
}
