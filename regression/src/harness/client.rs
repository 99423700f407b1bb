//! A small HTTP/1.1 client that shows each byte: one connection a request, and no patience without end.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::{Bytes, BytesMut};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::body::Body;
use super::frames::{self, Frame};

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where requests go.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    address: SocketAddr,
}

/// A request; headers beside `host`, `connection` and `content-length`.
#[derive(Clone, Debug, Default)]
pub struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Without transfer coding.
    pub body: Bytes,
}

/// An answer whose head has come. Dropping it closes the connection.
#[derive(Debug)]
pub struct Open {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    stream: TcpStream,
    body: Body,
    collected: BytesMut,
}

impl Request {
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), ..Self::default() }
    }

    /// A POST of JSON.
    pub fn post(path: &str, body: &Value) -> Self {
        Self::new("POST", path).header("content-type", "application/json").body(body.to_string())
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self }
    }

    fn wire(&self, host: SocketAddr) -> Vec<u8> {
        let Self { method, path, body, .. } = self;
        let mut wire = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        for (name, value) in &self.headers {
            wire.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() || method == "POST" {
            wire.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        wire.push_str("\r\n");
        let mut wire = wire.into_bytes();
        wire.extend_from_slice(body);
        wire
    }
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Errors: as [`Client::send`].
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(Request::new("GET", path)).await
    }

    /// Errors: as [`Client::send`].
    pub async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(Request::new("DELETE", path)).await
    }

    /// Errors: as [`Client::send`].
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(Request::post(path, body)).await
    }

    /// Sends a request and reads the whole answer.
    ///
    /// Errors: no connection, no answer within 30 seconds, or one that ends too early.
    pub async fn send(&self, request: Request) -> anyhow::Result<Answer> {
        self.open(request).await?.finish().await
    }

    /// Sends a request and reads the head of the answer.
    ///
    /// Errors: no connection, or no head within 30 seconds.
    pub async fn open(&self, request: Request) -> anyhow::Result<Open> {
        timeout(PATIENCE, self.exchange(&request))
            .await
            .with_context(|| format!("no answer to {} {}", request.method, request.path))?
    }

    async fn exchange(&self, request: &Request) -> anyhow::Result<Open> {
        let mut stream = TcpStream::connect(self.address).await.context("cannot connect")?;
        stream.set_nodelay(true)?;
        // A server may refuse a body before it has read all of it: its answer is read in any case.
        let sent = stream.write_all(&request.wire(self.address)).await;
        let mut buffer = BytesMut::new();
        let end = loop {
            if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                sent?;
                bail!("the connection was closed before an answer");
            }
        };
        let head = String::from_utf8(buffer.split_to(end).to_vec())?;
        let (status, headers) = parse(&head)?;
        let body = Body::new(&headers, buffer);
        Ok(Open { status, headers, stream, body, collected: BytesMut::new() })
    }
}

impl Open {
    /// The next bytes of the body as they come; `None` at its end.
    ///
    /// Errors: nothing comes for 30 seconds, or the connection ends in mid-body.
    pub async fn piece(&mut self) -> anyhow::Result<Option<Bytes>> {
        let piece = timeout(PATIENCE, self.body.piece(&mut self.stream)).await;
        let piece = piece.context("the body stalls")??;
        if let Some(piece) = &piece {
            self.collected.extend_from_slice(piece);
        }
        Ok(piece)
    }

    /// What has been read of the body.
    pub fn seen(&self) -> &[u8] {
        &self.collected
    }

    /// Reads until the body so far holds `text`.
    ///
    /// Errors: it ends before.
    pub async fn until(&mut self, text: &str) -> anyhow::Result<()> {
        while !String::from_utf8_lossy(&self.collected).contains(text) {
            if self.piece().await?.is_none() {
                bail!("the body ends without {text}: {}", String::from_utf8_lossy(&self.collected));
            }
        }
        Ok(())
    }

    /// Reads the rest.
    ///
    /// Errors: as [`Open::piece`].
    pub async fn finish(mut self) -> anyhow::Result<Answer> {
        while self.piece().await?.is_some() {}
        Ok(Answer { status: self.status, headers: self.headers, body: self.collected.freeze() })
    }
}

impl Answer {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body; null where it is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The frames of a stream.
    ///
    /// Errors: the body is no sequence of frames.
    pub fn frames(&self) -> anyhow::Result<Vec<Frame>> {
        frames::parse(&self.text())
    }

    /// The events of a streamed response, without `[DONE]`.
    ///
    /// Errors: the body is no sequence of frames with JSON.
    pub fn events(&self) -> anyhow::Result<Vec<Value>> {
        frames::events(&self.frames()?)
    }
}

type Head = (u16, Vec<(String, String)>);

fn parse(head: &str) -> anyhow::Result<Head> {
    let (first, rest) = head.split_once("\r\n").context("no status line")?;
    let status = first.split(' ').nth(1).context("no status")?.parse()?;
    let pair = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    Ok((status, rest.lines().filter_map(pair).collect()))
}
