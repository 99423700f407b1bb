//! rmcp's errors in our words. Their own text is never shown: it may carry the server's.

use std::error::Error;
use std::io;

use protocol::destination::Denied;
use rmcp::ServiceError;
use rmcp::model::ErrorData;
use rmcp::service::ClientInitializeError;
use rmcp::transport::DynamicTransportError;
use rmcp::transport::streamable_http_client::StreamableHttpError;

use crate::mcp::failure::{Failure, Reason, retry_after};
use crate::mcp::legacy_sse::SseFailed;

type Failed = StreamableHttpError<reqwest::Error>;

/// What a request failed by.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest of a foreign enum is none of ours")]
pub(super) fn of_service(error: &ServiceError) -> Failure {
    match error {
        ServiceError::McpError(error) => of_rpc(error),
        ServiceError::Timeout { .. } => Reason::Timeout.into(),
        ServiceError::TransportSend(error) => of_transport(error),
        ServiceError::UnexpectedResponse => Reason::Malformed.into(),
        _ => Reason::Lost.into(),
    }
}

/// What a handshake failed by.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest of a foreign enum is none of ours")]
pub(super) fn of_handshake(error: &ClientInitializeError) -> Failure {
    match error {
        ClientInitializeError::TransportError { error, .. } => of_transport(error),
        ClientInitializeError::JsonRpcError(error) => of_rpc(error),
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => of_handshake(fallback),
        ClientInitializeError::NoCompatibleProtocolVersion { .. } => Reason::Version.into(),
        _ => Reason::Malformed.into(),
    }
}

/// What a request of reqwest's failed by.
pub(crate) fn of_request(error: &reqwest::Error) -> Reason {
    let denied = causes(error).any(is_denial);
    match error.status() {
        Some(status) => Reason::Status(status.as_u16()),
        None if denied => Reason::Denied,
        None if error.is_connect() && causes(error).any(is_tls) => Reason::Tls,
        None if error.is_connect() => Reason::Unreachable,
        None if error.is_timeout() => Reason::Timeout,
        None => Reason::Lost,
    }
}

/// What an answer that is no success failed by.
pub(crate) fn post_status(response: &reqwest::Response) -> Failure {
    let wait = response.headers().get(http::header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    Failure::Http { reason: Reason::Status(response.status().as_u16()), retry_after: retry_after(wait) }
}

fn of_rpc(error: &ErrorData) -> Failure {
    Failure::protocol(error.code.0.into(), &error.message)
}

fn of_transport(error: &DynamicTransportError) -> Failure {
    for cause in causes(error.error.as_ref()) {
        if let Some(error) = cause.downcast_ref::<Failed>() {
            return of_streamable(error);
        }
        if let Some(SseFailed(failure)) = cause.downcast_ref::<SseFailed>() {
            return failure.clone();
        }
    }
    Reason::Lost.into()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest of a foreign enum is none of ours")]
fn of_streamable(error: &Failed) -> Failure {
    let reason = match error {
        StreamableHttpError::HttpStatus(error) => {
            let retry_after = retry_after(error.retry_after.as_deref());
            return Failure::Http { reason: Reason::Status(error.status), retry_after };
        }
        StreamableHttpError::ReinitializationFailed(error) => return of_rpc(error),
        StreamableHttpError::AuthRequired(_) => Reason::Status(401),
        StreamableHttpError::InsufficientScope(_) => Reason::Status(403),
        StreamableHttpError::SessionExpired => Reason::Status(404),
        StreamableHttpError::Client(error) => of_request(error),
        StreamableHttpError::ResponseBodyTooLarge { .. } => Reason::TooLarge,
        StreamableHttpError::SessionRecoveryTimeout | StreamableHttpError::ControlRequestTimeout => {
            Reason::Timeout
        }
        StreamableHttpError::UnexpectedEndOfStream
        | StreamableHttpError::Io(_)
        | StreamableHttpError::TransportChannelClosed => Reason::Lost,
        StreamableHttpError::UnexpectedServerResponse(text) => of_text(text),
        _ => Reason::Malformed,
    };
    reason.into()
}

/// Statuses without a type of their own come as `HTTP 404 Not Found: …`; the number alone is read.
fn of_text(text: &str) -> Reason {
    let digits = text.strip_prefix("HTTP ").and_then(|rest| rest.get(..3));
    let code = digits.and_then(|digits| digits.parse().ok());
    code.filter(|code| (300..600).contains(code)).map_or(Reason::Malformed, Reason::Status)
}

/// An I/O error does not name the error inside it as its cause.
fn is_denial(cause: &(dyn Error + 'static)) -> bool {
    let inside = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    cause.is::<Denied>() || inside.is_some_and(|inside| inside.is::<Denied>())
}

/// The TLS library wraps its errors so, and the connector may wrap that once more.
fn is_tls(cause: &(dyn Error + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|error| {
        let inside = error.get_ref().and_then(|inside| inside.downcast_ref::<io::Error>());
        error.kind() == io::ErrorKind::InvalidData || inside.is_some_and(|inside| is_tls(inside))
    })
}

fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn Error + 'static)| (*error).source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_is_not_trusted_is_told_apart_however_it_is_wrapped() {
        let bad = || io::Error::new(io::ErrorKind::InvalidData, "bad certificate");
        assert!(is_tls(&bad()) && is_tls(&io::Error::other(bad())));
        assert!(!is_tls(&io::Error::from(io::ErrorKind::ConnectionRefused)));
    }

    #[test]
    fn of_a_status_only_the_number_is_read() {
        assert_eq!(of_text("HTTP 404 Not Found: <script>"), Reason::Status(404));
        for text in ["HTTP 2x4", "HTTP 200 OK", "HTTP", "secret", "HTTP é"] {
            assert_eq!(of_text(text), Reason::Malformed, "{text}");
        }
    }
}
