//! The body of an answer, out of its transfer coding.

use anyhow::{Context, bail};
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

#[derive(Debug)]
pub(super) struct Body {
    buffer: BytesMut,
    framing: Framing,
}

#[derive(Clone, Copy, Debug)]
enum Framing {
    /// So many bytes are left.
    Sized(usize),
    /// So many bytes of the current chunk are left; more chunks may come.
    Chunked(usize),
    /// Until the connection ends.
    Open,
}

impl Body {
    pub(super) fn new(headers: &[(String, String)], buffer: BytesMut) -> Self {
        let header =
            |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let framing = match (header("transfer-encoding"), header("content-length")) {
            (Some(_), _) => Framing::Chunked(0),
            (None, Some(length)) => Framing::Sized(length.parse().unwrap_or_default()),
            (None, None) => Framing::Open,
        };
        Self { buffer, framing }
    }

    /// The next bytes; `None` at the end.
    ///
    /// Errors: the connection ends too early, or the coding is broken.
    pub(super) async fn piece(&mut self, stream: &mut TcpStream) -> anyhow::Result<Option<Bytes>> {
        match self.framing {
            Framing::Sized(0) => Ok(None),
            Framing::Sized(left) => {
                let piece = self.some(stream, left).await?;
                self.framing = Framing::Sized(left - piece.len());
                Ok(Some(piece))
            }
            Framing::Chunked(0) => self.chunk(stream).await,
            Framing::Chunked(left) => self.chunk_piece(stream, left).await.map(Some),
            Framing::Open => Ok(self.some(stream, usize::MAX).await.ok()),
        }
    }

    async fn chunk(&mut self, stream: &mut TcpStream) -> anyhow::Result<Option<Bytes>> {
        let line = self.line(stream).await?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).with_context(|| format!("no chunk size: {line}"))?;
        if size == 0 {
            self.framing = Framing::Sized(0);
            return Ok(None);
        }
        self.chunk_piece(stream, size).await.map(Some)
    }

    async fn chunk_piece(&mut self, stream: &mut TcpStream, left: usize) -> anyhow::Result<Bytes> {
        let piece = self.some(stream, left).await?;
        self.framing = Framing::Chunked(left - piece.len());
        if piece.len() == left && !self.line(stream).await?.is_empty() {
            bail!("a chunk does not end with an empty line");
        }
        Ok(piece)
    }

    async fn line(&mut self, stream: &mut TcpStream) -> anyhow::Result<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\r\n") {
                let line = String::from_utf8(self.buffer.split_to(end).to_vec())?;
                self.buffer.advance(2);
                return Ok(line);
            }
            self.read(stream).await?;
        }
    }

    async fn some(&mut self, stream: &mut TcpStream, most: usize) -> anyhow::Result<Bytes> {
        if self.buffer.is_empty() {
            self.read(stream).await?;
        }
        let length = most.min(self.buffer.len());
        Ok(self.buffer.split_to(length).freeze())
    }

    async fn read(&mut self, stream: &mut TcpStream) -> anyhow::Result<()> {
        if stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the connection ends in mid-body");
        }
        Ok(())
    }
}
