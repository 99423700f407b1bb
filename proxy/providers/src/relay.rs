//! Pass-through: bytes out, bytes back, and nothing changed but the model's name.

use std::ops::Range;

use agent::model::ModelError;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http::{HeaderValue, Response, StatusCode, header};
use hyper::body::Incoming;
use protocol::error::ApiError;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};

use crate::fault;
use crate::settings::Timeouts;
use crate::targets::Target;
use crate::transport::piece;

/// A JSON body whose `model` can be replaced without parsing the rest.
#[derive(Clone, Debug)]
pub struct RelayBody {
    bytes: Bytes,
    hole: Range<usize>,
    model: String,
    stream: bool,
}

/// An answer of 2xx as it comes.
pub struct Relayed {
    /// 200 to 299.
    pub status: StatusCode,
    /// As the upstream named it.
    pub content_type: Option<HeaderValue>,
    /// The provider that answers, for logs and metrics.
    pub provider: String,
    /// The model as the provider names it, for logs and metrics.
    pub model: String,
    /// The pieces as they were read; an error cuts the answer off.
    pub body: BoxStream<'static, Result<Bytes, ModelError>>,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    stream: Option<&'a RawValue>,
}

impl RelayBody {
    /// Finds the model's name in a request body.
    ///
    /// Errors: 400 if the body is not a JSON object or has no `model` that is a string.
    pub fn parse(bytes: Bytes) -> Result<Self, ApiError> {
        let head: Head<'_> = serde_json::from_slice(&bytes).map_err(|_| not_json())?;
        let raw = head.model.ok_or_else(|| ApiError::missing("model"))?.get();
        let Ok(model) = serde_json::from_str::<String>(raw) else {
            return Err(ApiError::bad_request(
                "invalid_type",
                "model",
                "Invalid type for 'model': expected a string.",
            ));
        };
        let start = raw.as_ptr() as usize - bytes.as_ptr() as usize;
        let (hole, stream) = (start..start + raw.len(), head.stream.is_some_and(|raw| raw.get() == "true"));
        Ok(Self { bytes, hole, model, stream })
    }

    /// The model as the caller named it.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// True if the caller wants a stream.
    pub fn is_stream(&self) -> bool {
        self.stream
    }

    pub(crate) fn with_model(&self, model: &str) -> Bytes {
        if model == self.model {
            return self.bytes.clone();
        }
        let (head, tail) = (self.bytes.get(..self.hole.start), self.bytes.get(self.hole.end..));
        let mut body = BytesMut::with_capacity(self.bytes.len() + model.len());
        body.put_slice(head.unwrap_or_default());
        body.put_slice(serde_json::Value::from(model).to_string().as_bytes());
        body.put_slice(tail.unwrap_or_default());
        body.freeze()
    }
}

pub(crate) fn relayed(response: Response<Incoming>, target: &Target, total_until: Instant) -> Relayed {
    let (status, content_type) = (response.status(), response.headers().get(header::CONTENT_TYPE).cloned());
    let (provider, model) = (target.upstream.name().to_owned(), target.model.clone());
    let Timeouts { first_byte, stream_idle, .. } = target.upstream.timeouts();
    let body = stream::unfold(Some((response.into_body(), first_byte)), move |state| async move {
        let (mut body, patience) = state?;
        let until = total_until.min(Instant::now() + patience);
        match timeout_at(until, piece(&mut body)).await {
            Ok(Ok(Some(piece))) => Some((Ok(piece), Some((body, stream_idle)))),
            Ok(Ok(None)) => None,
            Ok(Err(_)) => Some((Err(fault::truncated()), None)),
            Err(_) => Some((Err(fault::timeout()), None)),
        }
    });
    Relayed { status, content_type, provider, model, body: body.boxed() }
}

fn not_json() -> ApiError {
    let message = "We could not parse the JSON body of your request. Expected a JSON object.";
    ApiError::new(400, protocol::error::INVALID_REQUEST, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &'static str) -> Result<RelayBody, ApiError> {
        RelayBody::parse(Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn only_the_model_changes() {
        let body = parse(r#"{"messages":[{"model":"x"}], "model" : "a\"b" ,"stream":true,"n":1.0}"#).unwrap();
        assert_eq!((body.model(), body.is_stream()), ("a\"b", true));
        let expected = r#"{"messages":[{"model":"x"}], "model" : "c\"d" ,"stream":true,"n":1.0}"#;
        assert_eq!(body.with_model("c\"d"), expected);
    }

    #[test]
    fn the_same_name_costs_no_copy() {
        let body = parse(r#"{"model":"a"}"#).unwrap();
        assert_eq!(body.with_model("a").as_ptr(), body.bytes.as_ptr());
    }

    #[test]
    fn what_names_no_model_is_refused() {
        for body in
            ["", "x", "{}", "[]", r#"{"model":null}"#, r#"{"model":7}"#, r#"{"model":"a","model":"b"}"#]
        {
            assert_eq!(parse(body).unwrap_err().status, 400, "{body}");
        }
    }
}
