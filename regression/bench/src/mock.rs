//! A model server that costs little: Chat Completions as JSON of about 1 KB, or as a stream of 240-byte frames. It calls the
//! tool of the MCP server at `/mcp` if that is offered, once.
//!
//! `POST /_ctl?chunks=64&pace_us=0` sets how many content frames a stream has and how far apart they are, and answers
//! with counters. Without a pace each frame still leaves in a write of its own.

mod answer;
mod control;
mod mcp;
mod stream;

use std::convert::Infallible;
use std::rc::Rc;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinSet, LocalSet};

use control::Control;
use stream::Frames;

type Answer = Response<Either<Full<Bytes>, Frames>>;

/// Serves on `listen` until the process ends.
///
/// Errors: the address cannot be bound, or a connection cannot be accepted.
pub fn serve(listen: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, accept(listen))
}

async fn accept(listen: &str) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let control = Rc::new(Control::default());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.context("cannot accept")?;
                stream.set_nodelay(true)?;
                connections.spawn_local(converse(stream, Rc::clone(&control)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// A connection that breaks is the client's affair.
async fn converse(stream: TcpStream, control: Rc<Control>) {
    let service = service_fn(move |request| handle(request, Rc::clone(&control)));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn handle(request: Request<Incoming>, control: Rc<Control>) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    Ok(match (&head.method, head.uri.path()) {
        (&Method::POST, "/v1/chat/completions") => chat(&body, &control),
        (&Method::POST, "/mcp") => {
            control.count_call();
            match mcp::answer(&body) {
                Some(answer) => json(StatusCode::OK, answer.to_string()),
                None => json(StatusCode::ACCEPTED, String::new()),
            }
        }
        (_, "/_ctl") => json(StatusCode::OK, control.change(head.uri.query().unwrap_or_default())),
        (_, path) => json(StatusCode::NOT_FOUND, format!(r#"{{"error":{{"message":"no {path} here"}}}}"#)),
    })
}

fn chat(request: &[u8], control: &Control) -> Answer {
    let number = control.count(request);
    if !answer::wants(request, "stream") {
        let text =
            if answer::has_tool_to_call(request) { answer::call(number) } else { answer::whole(number) };
        return json(StatusCode::OK, text);
    }
    let frames = Frames::new(number, answer::wants(request, "include_usage"), control);
    Response::builder()
        .header("content-type", "text/event-stream")
        .body(Either::Right(frames))
        .unwrap_or_else(|_| json(StatusCode::INTERNAL_SERVER_ERROR, String::new()))
}

fn json(status: StatusCode, text: String) -> Answer {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(text))));
    *response.status_mut() = status;
    let value = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, value);
    response
}
