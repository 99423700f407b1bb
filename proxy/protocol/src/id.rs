//! Ids as proofs: an [`Id`] was parsed once and is trusted inside. Ids are never invented here.

use std::fmt;
use std::marker::PhantomData;

use crate::error::ApiError;

/// What an [`Id`] names; fixes its prefix.
pub trait Kind {
    /// The prefix with its underscore or hyphen, such as `resp_`.
    const PREFIX: &'static str;
}

/// An id that begins with the prefix of its kind and holds only characters that are safe in URLs and logs.
pub struct Id<K>(String, PhantomData<fn() -> K>);

impl<K: Kind> Id<K> {
    /// Parses an id.
    ///
    /// Errors: `None` unless `text` is the prefix followed by 1 to 128 of `A-Z a-z 0-9 _ -`.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(K::PREFIX)?;
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        (1..=128).contains(&rest.len()).then_some(())?;
        rest.bytes().all(legal).then(|| Self(text.to_owned(), PhantomData))
    }

    /// Parses an id of a request field.
    ///
    /// Errors: 400 `invalid_value` that names `param` and the prefix.
    pub fn parse_param(text: &str, param: &str) -> Result<Self, ApiError> {
        Self::parse(text)
            .ok_or_else(|| ApiError::wrong_prefix(param, text, K::PREFIX.trim_end_matches(['_', '-'])))
    }

    /// The id as it stands on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<K> Eq for Id<K> {}

impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a response, `resp_…`.
#[derive(Debug)]
pub enum Response {}

/// Names a conversation, `conv_…`.
#[derive(Debug)]
pub enum Conversation {}

/// Names a stored chat completion, `chatcmpl-…`.
#[derive(Debug)]
pub enum Completion {}

impl Kind for Response {
    const PREFIX: &'static str = "resp_";
}

impl Kind for Conversation {
    const PREFIX: &'static str = "conv_";
}

impl Kind for Completion {
    const PREFIX: &'static str = "chatcmpl-";
}

/// Whose data it is. Comes from the verified credential alone; stands in every key of every store and cache.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant(std::sync::Arc<str>);

impl Tenant {
    /// A tenant by the name that the configuration or the credential gave it.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The only tenant where authentication is disabled.
    pub fn default_tenant() -> Self {
        Self::new("default")
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
