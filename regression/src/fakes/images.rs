//! An image server whose answers are told by the test: generations, edits, and files that it refers to.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::model::Recorded;
use crate::fakes::listen::accept;

/// What an image took.
const TOKENS: (u64, u64) = (11, 22);

/// How one request is answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// One JSON text with the image in it.
    Whole,
    /// Events: so many unfinished images, then the image.
    Stream(u32),
    /// The address of the image at this server.
    Url,
    /// Some other address.
    Elsewhere(String),
    /// So many bytes of image.
    Huge(usize),
    /// An error.
    Error(u16, Value),
}

/// A running image server; it stops when it is dropped.
pub struct ImageServer {
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

struct State {
    address: SocketAddr,
    answers: Mutex<VecDeque<Answer>>,
    requests: Mutex<Vec<Recorded>>,
}

impl ImageServer {
    /// Starts on a free port of 127.0.0.1, inside the caller's runtime.
    ///
    /// Errors: no port is free.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State { address, answers: Mutex::default(), requests: Mutex::default() });
        let mut tasks = JoinSet::new();
        let served = Arc::clone(&state);
        tasks.spawn(accept(listener, move |stream| serve(stream, Arc::clone(&served))));
        Ok(Self { state, _tasks: tasks })
    }

    /// The base URL for a provider.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.state.address)
    }

    /// Tells the answer to the next request that has none; without one it is [`Answer::Whole`].
    pub fn answer(&self, answer: Answer) -> &Self {
        self.state.answers.lock().push_back(answer);
        self
    }

    /// The requests since the start; what is no text in them is replaced.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.requests.lock().clone()
    }
}

/// The image that the server made as its `number`th, from 1: a large PNG, as far as its beginning goes.
pub fn image(number: usize) -> String {
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    file.resize(300_000, u8::try_from(number % 251).unwrap_or_default());
    STANDARD.encode(file)
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(move |request| reply(request, Arc::clone(&state)));
    // A client that leaves early ends the connection with an error.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn reply(request: Request<Incoming>, state: Arc<State>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let path = head.uri.path().to_owned();
    if let Some(number) = path.strip_prefix("/files/").and_then(|number| number.parse().ok()) {
        let file = STANDARD.decode(image(number)).unwrap_or_default();
        return Ok(whole(200, "image/png", file));
    }
    let number = {
        let mut requests = state.requests.lock();
        requests.push(Recorded::new(&head, &body));
        requests.len()
    };
    let answer = state.answers.lock().pop_front().unwrap_or(Answer::Whole);
    Ok(state.perform(answer, path.ends_with("/edits"), number))
}

impl State {
    fn perform(&self, answer: Answer, is_edit: bool, number: usize) -> Response<Full<Bytes>> {
        let (input, output) = TOKENS;
        let usage = json!({"input_tokens": input, "output_tokens": output, "total_tokens": input + output,
            "input_tokens_details": {"text_tokens": input, "image_tokens": 0}});
        let data = |datum: Value| {
            let body = json!({"created": 1, "data": [datum], "size": "1024x1024", "quality": "medium",
                "background": "opaque", "output_format": "png", "usage": usage});
            whole(200, "application/json", body.to_string())
        };
        match answer {
            Answer::Whole => data(json!({"b64_json": image(number)})),
            Answer::Url => data(json!({"url": format!("http://{}/files/{number}", self.address)})),
            Answer::Elsewhere(url) => data(json!({"url": url})),
            Answer::Huge(bytes) => data(json!({"b64_json": "A".repeat(bytes)})),
            Answer::Error(status, body) => whole(status, "application/json", body.to_string()),
            Answer::Stream(partials) => {
                let kind = if is_edit { "image_edit" } else { "image_generation" };
                let mut text = String::new();
                for index in 0..partials {
                    let partial = json!({"type": format!("{kind}.partial_image"), "b64_json": format!("UEFSVElBTA{index}="),
                        "partial_image_index": index, "size": "1024x1024"});
                    text.push_str(&format!("event: {kind}.partial_image\ndata: {partial}\n\n"));
                }
                let done = json!({"type": format!("{kind}.completed"), "b64_json": image(number), "size": "1024x1024",
                    "quality": "medium", "usage": usage});
                text.push_str(&format!("event: {kind}.completed\ndata: {done}\n\n"));
                whole(200, "text/event-stream", text)
            }
        }
    }
}

fn whole(status: u16, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert("content-type", http::HeaderValue::from_static(kind));
    response
}
