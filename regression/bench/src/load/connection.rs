//! One HTTP/1.1 connection, read with as little work as counting allows.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const READ: usize = 64 * 1024;

/// A connection between or within answers.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
    body: Body,
}

/// How much of the body is left.
enum Body {
    Sized(usize),
    /// So much of the current chunk; more chunks may come.
    Chunked(usize),
}

impl Connection {
    pub(crate) async fn open(address: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(address).await.map_err(|error| format!("connect: {error}"))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Self { stream, buffer: BytesMut::with_capacity(READ), body: Body::Sized(0) })
    }

    /// Sends a request and reads the head of its answer. Returns the status.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<u16, String> {
        self.stream.write_all(request).await.map_err(|error| format!("send: {error}"))?;
        let end = loop {
            match memmem::find(&self.buffer, b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.read().await?,
            }
        };
        let head = self.buffer.split_to(end);
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        self.body = framing(&head).ok_or_else(|| format!("an answer without framing: {head}"))?;
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        status.ok_or_else(|| format!("no status: {head}"))
    }

    /// The next bytes of the body; none at its end.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, String> {
        loop {
            match self.body {
                Body::Sized(0) => return Ok(None),
                Body::Sized(left) => {
                    let piece = self.some(left).await?;
                    self.body = Body::Sized(left - piece.len());
                    return Ok(Some(piece));
                }
                Body::Chunked(0) => self.body = self.next_chunk().await?,
                Body::Chunked(left) => {
                    let piece = self.some(left).await?;
                    self.body = Body::Chunked(left - piece.len());
                    return Ok(Some(piece));
                }
            }
        }
    }

    async fn next_chunk(&mut self) -> Result<Body, String> {
        let mut line = self.line().await?;
        if line.is_empty() {
            line = self.line().await?;
        }
        let text = String::from_utf8_lossy(&line).into_owned();
        let size = usize::from_str_radix(&text, 16).map_err(|_| format!("no chunk size: {text}"))?;
        if size == 0 {
            self.line().await?;
            return Ok(Body::Sized(0));
        }
        Ok(Body::Chunked(size))
    }

    async fn line(&mut self) -> Result<Bytes, String> {
        loop {
            if let Some(end) = memmem::find(&self.buffer, b"\r\n") {
                let line = self.buffer.split_to(end).freeze();
                self.buffer.advance(2);
                return Ok(line);
            }
            self.read().await?;
        }
    }

    async fn some(&mut self, most: usize) -> Result<Bytes, String> {
        if self.buffer.is_empty() {
            self.read().await?;
        }
        Ok(self.buffer.split_to(most.min(self.buffer.len())).freeze())
    }

    async fn read(&mut self) -> Result<(), String> {
        self.buffer.reserve(READ / 4);
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err("the peer closed in mid-answer".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(format!("read: {error}")),
        }
    }
}

/// Reads the framing out of a head in lower case.
fn framing(head: &str) -> Option<Body> {
    if head.contains("\r\ntransfer-encoding: chunked") {
        return Some(Body::Chunked(0));
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"))?;
    length.trim().parse().ok().map(Body::Sized)
}
