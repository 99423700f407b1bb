//! Writes replies; a stream leaves piece by piece, and its producer is dropped when the client leaves.

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http::{HeaderValue, Method, Version, header};
use pingora::Result;
use pingora::http::ResponseHeader;
use pingora::proxy::Session;

use crate::app::{Body, Reply};

/// How a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Written to its end.
    Sent,
    /// The client left before.
    ClientGone,
}

/// Writes a reply.
///
/// Errors: the client is gone. Cancellation: dropping the future drops the producer of a stream.
pub async fn write(session: &mut Session, reply: Reply) -> Result<Outcome> {
    let (parts, body) = reply.into_parts();
    let mut head = ResponseHeader::build(parts.status, Some(parts.headers.len() + 2))?;
    for (name, value) in &parts.headers {
        head.append_header(name, value)?;
    }
    match body {
        Body::Full(bytes) => write_full(session, head, bytes).await,
        Body::Stream(chunks) => write_stream(session, head, chunks).await,
    }
}

async fn write_full(session: &mut Session, mut head: ResponseHeader, bytes: Bytes) -> Result<Outcome> {
    head.insert_header(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()))?;
    let empty = bytes.is_empty() || session.req_header().method == Method::HEAD;
    session.write_response_header(Box::new(head), empty).await?;
    if !empty {
        session.write_response_body(Some(bytes), true).await?;
    }
    Ok(Outcome::Sent)
}

async fn write_stream(
    session: &mut Session,
    mut head: ResponseHeader,
    mut chunks: BoxStream<'static, Bytes>,
) -> Result<Outcome> {
    if session.req_header().version == Version::HTTP_11 {
        head.insert_header(header::TRANSFER_ENCODING, "chunked")?; // h2 frames, h1.0 closes
    }
    session.write_response_header(Box::new(head), false).await?;
    loop {
        tokio::select! {
            biased; // a client that left must not be written to
            gone = session.downstream_session.read_body_or_idle(true) => {
                gone?; // an error is the client leaving: FIN on h1, RST_STREAM on h2
                return Ok(Outcome::ClientGone);
            }
            chunk = chunks.next() => match chunk {
                Some(chunk) => session.write_response_body(Some(chunk), false).await?,
                None => break,
            },
        }
    }
    session.write_response_body(None, true).await?;
    Ok(Outcome::Sent)
}
