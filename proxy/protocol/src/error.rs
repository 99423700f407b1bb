//! The one error that leaves the API: OpenAI's envelope with its status and retry hints.

#[cfg(test)]
pub(crate) mod refused;

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// An error as the client sees it. `message` is shown to the client: it never holds a secret or a remote body.
///
/// Source: OpenAI, error codes; the envelope is `{"error":{message,type,param,code}}`, all four keys always.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The family, such as `invalid_request_error`.
    pub kind: &'static str,
    /// What went wrong in one word that clients match on.
    pub code: Option<String>,
    /// The path of the field at fault, such as `input[0].content`.
    pub param: Option<String>,
    /// What went wrong, in a sentence.
    pub message: String,
    /// When to try again, for `retry-after` and `retry-after-ms`.
    pub retry_after: Option<Duration>,
    /// Overrides the retry rule of SDKs, by `x-should-retry`.
    pub should_retry: Option<bool>,
}

/// The family of errors that the client can mend.
pub const INVALID_REQUEST: &str = "invalid_request_error";
/// The family of errors that are ours or the upstream's.
pub const SERVER_ERROR: &str = "server_error";

#[derive(Serialize)]
struct Envelope<'a> {
    error: Fields<'a>,
}

#[derive(Serialize)]
struct Fields<'a> {
    message: &'a str,
    r#type: &'a str,
    param: Option<&'a str>,
    code: Option<&'a str>,
}

impl ApiError {
    /// An error without code, param and hints.
    pub fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, kind, code: None, param: None, message, retry_after: None, should_retry: None }
    }

    /// A 400 of the client's making.
    pub fn bad_request(code: &str, param: &str, message: impl Into<String>) -> Self {
        Self::new(400, INVALID_REQUEST, message).with_code(code).with_param(param)
    }

    /// A 404; unknown and foreign ids give the same bytes.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, INVALID_REQUEST, message)
    }

    /// A 500 for a bug or a fault of ours, without detail.
    pub fn internal() -> Self {
        Self::new(500, SERVER_ERROR, "The server had an error while processing your request.")
    }

    /// Sets the code.
    #[must_use]
    pub fn with_code(mut self, code: &str) -> Self {
        self.code = Some(code.to_owned());
        self
    }

    /// Sets the field at fault.
    #[must_use]
    pub fn with_param(mut self, param: &str) -> Self {
        self.param = Some(param.to_owned());
        self
    }

    /// Sets when to try again.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Tells SDKs whether to retry by themselves.
    #[must_use]
    pub fn with_should_retry(mut self, should: bool) -> Self {
        self.should_retry = Some(should);
        self
    }

    /// `Missing required parameter: 'p'.`
    pub fn missing(param: &str) -> Self {
        let message = format!("Missing required parameter: '{param}'.");
        Self::bad_request("missing_required_parameter", param, message)
    }

    /// `Invalid type for 'p': expected a string, but got an integer instead.`
    pub fn invalid_type(param: &str, expected: &str, got: &serde_json::Value) -> Self {
        let got = crate::read::type_name(got);
        let message = format!("Invalid type for '{param}': expected {expected}, but got {got} instead.");
        Self::bad_request("invalid_type", param, message)
    }

    /// `Invalid value: 'v'. Supported values are: 'a', 'b', and 'c'.`
    pub fn invalid_choice(param: &str, got: &str, choices: &[&str]) -> Self {
        let choices = crate::read::listed(choices);
        let message = format!("Invalid value: '{got}'. Supported values are: {choices}.");
        Self::bad_request("invalid_value", param, message)
    }

    /// `Invalid 'p': why` with code `invalid_value`.
    pub fn invalid_value(param: &str, why: &str) -> Self {
        Self::bad_request("invalid_value", param, format!("Invalid '{param}': {why}"))
    }

    /// A value that is legal in the API but that this deployment or model cannot serve.
    pub fn unsupported_value(param: &str, message: impl Into<String>) -> Self {
        Self::bad_request("unsupported_value", param, message)
    }

    /// `Invalid 'input[0].id': 'x'. Expected an ID that begins with 'msg'.`
    pub fn wrong_prefix(param: &str, got: &str, prefix: &str) -> Self {
        let message = format!("Invalid '{param}': '{got}'. Expected an ID that begins with '{prefix}'.");
        Self::bad_request("invalid_value", param, message)
    }

    /// 404 `model_not_found`.
    pub fn model_not_found(model: &str) -> Self {
        let message = format!("The model '{model}' does not exist or you do not have access to it.");
        Self::not_found(message).with_code("model_not_found").with_param("model")
    }

    /// 400 `previous_response_not_found`.
    pub fn previous_response_not_found(id: &str) -> Self {
        let message = format!("Previous response with id '{id}' not found.");
        Self::bad_request("previous_response_not_found", "previous_response_id", message)
    }

    /// 404 for a response that does not exist, is not stored or is somebody else's.
    pub fn response_not_found(id: &str) -> Self {
        Self::not_found(format!("Response with id '{id}' not found."))
    }

    /// 413.
    pub fn body_too_large(limit_bytes: usize) -> Self {
        Self::new(413, INVALID_REQUEST, format!("The request body is larger than {limit_bytes} bytes."))
    }

    /// The envelope, compact.
    pub fn body(&self) -> Vec<u8> {
        let (param, code) = (self.param.as_deref(), self.code.as_deref());
        let fields = Fields { message: &self.message, r#type: self.kind, param, code };
        serde_json::to_vec(&Envelope { error: fields }).unwrap_or_default()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status, self.code.as_deref().unwrap_or(self.kind), self.message)
    }
}

impl std::error::Error for ApiError {}
