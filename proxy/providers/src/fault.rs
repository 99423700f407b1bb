//! What went wrong at a model server, and what the client is told of it.

use std::time::Duration;

use agent::model::{Failure, ModelError};
use protocol::error::{ApiError, INVALID_REQUEST, SERVER_ERROR};

pub(crate) use remote::Remote;

pub(crate) mod redact;
mod remote;
pub(crate) mod wait;

const CONTENT_FILTER: &str = "content_filter";

/// What an error is told about the call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// The model as the caller named it.
    pub(crate) model: &'a str,
    /// True if the caller's own credential was sent.
    pub(crate) by_caller: bool,
    /// The credential that was sent; never shown.
    pub(crate) secret: Option<&'a str>,
}

/// No connection, or it broke before anything was answered.
pub(crate) fn connect() -> ModelError {
    server_error(502, "The model server cannot be reached.", Failure::Connect)
}

/// Too slow.
pub(crate) fn timeout() -> ModelError {
    server_error(504, "The model server did not answer in time.", Failure::Timeout)
}

/// The answer stopped before its end.
pub(crate) fn truncated() -> ModelError {
    server_error(502, "The model server ended its answer too early.", Failure::Truncated)
}

/// The answer is against the format; `what` names the fault without quoting the answer.
pub(crate) fn malformed(what: &str) -> ModelError {
    let message = format!("The model server's answer could not be understood: {what}.");
    server_error(502, message, Failure::Malformed)
}

/// The model gave up by itself.
pub(crate) fn gave_up() -> ModelError {
    server_error(502, "The model server failed to finish its answer.", Failure::Malformed)
}

/// True if the prompt was refused by a filter, which is an answer and not a failure.
pub(crate) fn is_filter(error: &ModelError) -> bool {
    error.error.status == 400 && error.error.code.as_deref() == Some(CONTENT_FILTER)
}

/// The request cannot be expressed.
pub(crate) fn unsupported(error: ApiError) -> ModelError {
    ModelError { error, cause: Failure::Unsupported }
}

/// An error inside of an answer of 200.
pub(crate) fn in_answer(remote: &Remote) -> ModelError {
    let Some(status) = remote.status() else { return gave_up() };
    let asked = Asked { model: "", by_caller: false, secret: None };
    of_status(status, remote, None, asked)
}

/// An answer that is not 2xx. 4xx texts pass after redaction, 5xx texts do not.
pub(crate) fn of_status(
    status: u16,
    remote: &Remote,
    wait: Option<Duration>,
    asked: Asked<'_>,
) -> ModelError {
    let mut error = match status {
        402 => quota(),
        429 if remote.is_quota() => quota(),
        429 => rate_limited(),
        401 | 403 if asked.by_caller => refused(status, remote, asked),
        401 | 403 => ApiError::new(502, SERVER_ERROR, "The model server refused the gateway's credential."),
        404 if !asked.model.is_empty() => ApiError::model_not_found(asked.model),
        408 | 504 => ApiError::new(504, SERVER_ERROR, "The model server did not answer in time."),
        503 | 529 => ApiError::new(503, SERVER_ERROR, "The model server is overloaded or not ready."),
        300..=399 => ApiError::new(502, SERVER_ERROR, "The model server answered with a redirect."),
        413 => refused(413, remote, asked),
        400..=499 if status != 409 => refused(400, remote, asked),
        _ => ApiError::new(502, SERVER_ERROR, "The model server failed."),
    };
    if matches!(error.status, 429 | 503) && error.should_retry.is_none() {
        error.retry_after = wait;
    }
    ModelError { error, cause: Failure::Status(status) }
}

fn quota() -> ApiError {
    let message = "The quota at the model server is exhausted.";
    ApiError::new(429, "insufficient_quota", message).with_code("insufficient_quota").with_should_retry(false)
}

fn rate_limited() -> ApiError {
    ApiError::new(429, "requests", "The model server limits the rate of requests.")
        .with_code("rate_limit_exceeded")
}

fn refused(status: u16, remote: &Remote, asked: Asked<'_>) -> ApiError {
    let fallback = "The model server refused the request.";
    let text = redact::text(&remote.message, asked.secret);
    let message = if text.is_empty() { fallback.to_owned() } else { text };
    let mut error = ApiError::new(status, INVALID_REQUEST, message);
    error.code = match status {
        401 => Some("invalid_api_key".to_owned()),
        _ if remote.is_filter() => Some(CONTENT_FILTER.to_owned()),
        _ if remote.is_overflow() => Some("context_length_exceeded".to_owned()),
        _ => remote.code.clone(),
    };
    error.param.clone_from(&remote.param);
    error
}

fn server_error(status: u16, message: impl Into<String>, cause: Failure) -> ModelError {
    ModelError { error: ApiError::new(status, SERVER_ERROR, message), cause }
}

#[cfg(test)]
mod tests;
