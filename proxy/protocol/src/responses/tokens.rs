//! `POST /v1/responses/input_tokens`: a request whose fields are all optional.

use serde::Serialize;

use crate::error::ApiError;
use crate::responses::request::{self, CreateResponse};

/// `{"object":"response.input_tokens","input_tokens"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct InputTokens {
    /// Always `response.input_tokens`.
    pub object: &'static str,
    /// Tokens that the model would read.
    pub input_tokens: u64,
}

impl InputTokens {
    /// Makes the object.
    pub fn new(input_tokens: u64) -> Self {
        Self { object: "response.input_tokens", input_tokens }
    }
}

/// Parses and checks a body. An absent `model` is empty; `personality` is known and ignored.
///
/// Errors: as [`request::parse`], but nothing has to be there.
pub fn parse(body: &[u8], strict: bool) -> Result<CreateResponse, ApiError> {
    let mut map = crate::read::object(body)?;
    map.shift_remove("personality");
    request::parse_optional(map, strict)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_optional_but_checked() {
        let request = parse(b"{}", true).unwrap();
        assert_eq!((request.model.as_str(), request.input.len()), ("", 0));
        let request =
            parse(br#"{"input":"hi","personality":"p","model":"m","tools":[{"type":"think"}]}"#, true)
                .unwrap();
        assert_eq!((request.model.as_str(), request.input.len(), request.tools.len()), ("m", 1, 1));
        assert_eq!(parse(br#"{"input":1}"#, false).unwrap_err().param.as_deref(), Some("input"));
        assert_eq!(parse(br#"{"x":1}"#, true).unwrap_err().code.as_deref(), Some("unknown_parameter"));
    }
}
