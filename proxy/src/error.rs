//! Faults of ours as the client sees them. What happened is logged here, once.

use std::time::Duration;

use agent::model::{Failure, ModelError};
use protocol::error::{ApiError, INVALID_REQUEST, SERVER_ERROR};

/// The store did not do its work: 503 that may be tried again, or 400 for a cursor that names nothing.
pub fn from_store(error: &store::Error) -> ApiError {
    if matches!(error, store::Error::UnknownCursor { .. }) {
        return ApiError::new(404, INVALID_REQUEST, error.to_string()).with_param("after");
    }
    tracing::error!(error = %chain(error), "The store failed");
    let message = "The server cannot reach its store. Please try again.";
    ApiError::new(503, SERVER_ERROR, message).with_retry_after(Duration::from_secs(1))
}

/// The process ends before the run does.
pub fn shutting_down() -> ModelError {
    let error = ApiError::new(503, SERVER_ERROR, "The server is shutting down.");
    ModelError { error: error.with_retry_after(Duration::from_secs(1)), cause: Failure::Truncated }
}

/// A word of a closed set, for metrics.
pub fn failure_word(cause: Failure) -> &'static str {
    match cause {
        Failure::Connect => "connect",
        Failure::Timeout => "timeout",
        Failure::Status(429) => "429",
        Failure::Status(400..=499) => "4xx",
        Failure::Status(_) => "5xx",
        Failure::Truncated => "truncated",
        Failure::Malformed => "malformed",
        Failure::Unsupported => "unsupported",
        Failure::Tools => "tools",
    }
}

/// An error with all its causes.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
