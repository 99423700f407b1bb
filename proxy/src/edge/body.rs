//! Request bodies: bounded in size and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header;
use pingora::Result;
use pingora::proxy::Session;
use protocol::error::{ApiError, INVALID_REQUEST};

/// A whole body must arrive within this time.
const DEADLINE: Duration = Duration::from_secs(60);

/// Reads a body of at most `limit` bytes.
///
/// Errors: outside, the client is gone; inside, 413 or 408. A body that is too large is not read to its end.
pub async fn read(session: &mut Session, limit: usize) -> Result<std::result::Result<Bytes, ApiError>> {
    if announced(session).is_some_and(|length| length > limit) {
        session.set_keepalive(None);
        return Ok(Err(ApiError::body_too_large(limit)));
    }
    if session.req_header().headers.contains_key(header::EXPECT) {
        session.downstream_session.write_continue_response().await?;
    }
    if let Ok(read) = tokio::time::timeout(DEADLINE, collect(session, limit)).await {
        return read;
    }
    session.set_keepalive(None);
    Ok(Err(ApiError::new(408, INVALID_REQUEST, "The request body did not arrive in time.")))
}

async fn collect(session: &mut Session, limit: usize) -> Result<std::result::Result<Bytes, ApiError>> {
    let Some(first) = session.read_request_body().await? else { return Ok(Ok(Bytes::new())) };
    let Some(second) = session.read_request_body().await? else { return Ok(bounded(session, first, limit)) };
    let mut body = BytesMut::with_capacity(announced(session).unwrap_or(first.len() + second.len()));
    body.extend_from_slice(&first);
    body.extend_from_slice(&second);
    while body.len() <= limit {
        let Some(chunk) = session.read_request_body().await? else { break };
        body.extend_from_slice(&chunk);
    }
    Ok(bounded(session, body.freeze(), limit))
}

fn bounded(session: &mut Session, body: Bytes, limit: usize) -> std::result::Result<Bytes, ApiError> {
    if body.len() <= limit {
        return Ok(body);
    }
    session.set_keepalive(None);
    Err(ApiError::body_too_large(limit))
}

fn announced(session: &Session) -> Option<usize> {
    session.req_header().headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
