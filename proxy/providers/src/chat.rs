//! Chat Completions: `POST /chat/completions`, spoken by nearly every model server.

use agent::model::ModelRequest;
use bytes::Bytes;
use protocol::error::ApiError;

pub(crate) use crate::chat::chunk::Counts;
use crate::chat::decode::ChatDecoder;
use crate::dialect::{Decoder, Dialect};
use crate::profile::Profile;

mod body;
mod chunk;
mod decode;
mod encode;
mod messages;
mod think;

/// Chat Completions as an upstream understands it.
#[derive(Clone, Copy, Debug)]
pub struct ChatCompletions {
    profile: Profile,
}

impl ChatCompletions {
    /// The dialect for upstreams of this profile.
    pub fn new(profile: Profile) -> Self {
        Self { profile }
    }
}

impl Dialect for ChatCompletions {
    fn path(&self) -> &'static str {
        "/chat/completions"
    }

    fn encode(&self, request: &ModelRequest) -> Result<Bytes, ApiError> {
        encode::encode(request, &self.profile)
    }

    fn decoder(&self, request: &ModelRequest) -> Box<dyn Decoder> {
        Box::new(ChatDecoder::new(request))
    }
}

#[cfg(test)]
mod tests;
