//! Native Responses: `POST /responses`, one turn at a time. State, server tools and storage stay with us.

use agent::model::ModelRequest;
use bytes::Bytes;
use protocol::error::ApiError;

use crate::dialect::{Decoder, Dialect};
use crate::responses::decode::ResponsesDecoder;

mod decode;
mod encode;
mod event;
mod items;

/// The Responses API as an upstream.
#[derive(Clone, Copy, Debug)]
pub struct Responses;

impl Dialect for Responses {
    fn path(&self) -> &'static str {
        "/responses"
    }

    fn encode(&self, request: &ModelRequest) -> Result<Bytes, ApiError> {
        encode::encode(request)
    }

    fn decoder(&self, request: &ModelRequest) -> Box<dyn Decoder> {
        Box::new(ResponsesDecoder::new(request))
    }
}

#[cfg(test)]
mod tests;
