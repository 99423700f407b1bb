//! The end of a run.

use protocol::error::ApiError;
use protocol::responses::event::{Event, EventBody, Lifecycle};
use protocol::responses::response::{Response, ResponseError, Status};
use protocol::responses::usage::Usage;

use crate::model::ModelError;

/// A response that is over and the number of the event that announces it.
///
/// The event is handed over rather than emitted: the response is stored before anyone learns that it is complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// Terminal, with its output and usage. `completed_at` is null: the driver stamps it.
    pub response: Response,
    /// What the model counted itself, without what its tools did; zero if it counts nothing.
    pub model_usage: Usage,
    /// The number of the terminal event.
    pub sequence_number: u64,
    /// Why it failed, for replies that are not streams, logs and metrics.
    pub failure: Option<ModelError>,
}

impl Finished {
    /// The terminal event; a cancelled response is announced by `response.failed`, for want of another.
    pub fn event(&self) -> Event {
        let lifecycle = match self.response.status {
            Status::Completed => Lifecycle::Completed,
            Status::Incomplete => Lifecycle::Incomplete,
            Status::Failed | Status::Cancelled | Status::Queued | Status::InProgress => Lifecycle::Failed,
        };
        let body = EventBody::Lifecycle(lifecycle, Box::new(self.response.clone()));
        Event { sequence_number: self.sequence_number, body }
    }

    /// Turns the response into a failed one because it could not be stored.
    ///
    /// Returns the `error` event, which goes before [`Finished::event`]; the number of the latter moves on.
    pub fn store_failed(&mut self, error: ApiError) -> Event {
        self.response.status = Status::Failed;
        self.response.completed_at = None;
        self.response.incomplete_details = None;
        self.response.error = Some(response_error(&error));
        let event = Event { sequence_number: self.sequence_number, body: error_body(error) };
        self.sequence_number += 1;
        event
    }
}

/// The `error` event of a failure; its code is never null.
pub(crate) fn error_body(error: ApiError) -> EventBody {
    let code = error.code.clone().unwrap_or_else(|| code(&error).to_owned());
    EventBody::Error(Box::new(error.with_code(&code)))
}

/// What `response.error` says of a failure.
pub(crate) fn response_error(error: &ApiError) -> ResponseError {
    ResponseError { code: code(error).to_owned(), message: error.message.clone() }
}

/// The codes that clients know; the two last ones are outside of the closed set of OpenAI's SDKs.
const CODES: [&str; 23] = [
    "server_error",
    "rate_limit_exceeded",
    "invalid_prompt",
    "vector_store_timeout",
    "data_residency_mismatch",
    "bio_policy",
    "misalignment_policy_violation",
    "invalid_image",
    "invalid_image_format",
    "invalid_base64_image",
    "invalid_image_url",
    "image_too_large",
    "image_too_small",
    "image_parse_error",
    "image_content_policy_violation",
    "invalid_image_mode",
    "image_file_too_large",
    "unsupported_image_media_type",
    "empty_image_file",
    "failed_to_download_image",
    "image_file_not_found",
    "context_length_exceeded",
    "insufficient_quota",
];

fn code(error: &ApiError) -> &'static str {
    let known = error.code.as_deref().and_then(|code| CODES.into_iter().find(|known| *known == code));
    known.unwrap_or(match error.status {
        429 => "rate_limit_exceeded",
        400 | 413 | 422 => "invalid_prompt",
        _ => "server_error",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_in_the_words_that_clients_know() {
        let error = |status, code: Option<&str>| {
            let error = ApiError::new(status, "t", "m");
            response_error(&code.map_or_else(|| error.clone(), |code| error.clone().with_code(code))).code
        };
        assert_eq!(error(429, None), "rate_limit_exceeded");
        assert_eq!(error(429, Some("insufficient_quota")), "insufficient_quota");
        assert_eq!(error(400, Some("context_length_exceeded")), "context_length_exceeded");
        assert_eq!(error(400, Some("unsupported_value")), "invalid_prompt");
        assert_eq!(error(401, Some("invalid_api_key")), "server_error");
        assert_eq!(error(503, None), "server_error");
    }
}
