//! What an upstream is made of.

use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use crate::profile::Profile;

/// One upstream API with its credential and deadlines.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The provider's name, for logs and errors.
    pub name: String,
    /// Such as `https://api.openai.com/v1`; a slash at the end is of no matter, a query goes behind the path.
    pub base_url: String,
    /// The API to speak.
    pub api: Api,
    /// What the upstream understands.
    pub profile: Profile,
    /// Sent unless the caller brings its own.
    pub credential: Option<Credential>,
    /// Static headers, not secret.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Deadlines.
    pub timeouts: Timeouts,
    /// How many retries there may be for a hundred requests.
    pub retry_budget_percent: u8,
}

/// The API that an upstream speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Api {
    /// `POST /chat/completions`.
    #[default]
    ChatCompletions,
    /// `POST /responses`, one turn at a time.
    Responses,
}

/// Deadlines of one call. `connect` is kept by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection is made.
    pub connect: Duration,
    /// From the request to the first event of the answer, comments not counted.
    pub first_byte: Duration,
    /// Between two pieces of the answer.
    pub stream_idle: Duration,
    /// The whole call with its retries.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            first_byte: Duration::from_secs(120),
            stream_idle: Duration::from_secs(60),
            total: Duration::from_secs(600),
        }
    }
}

/// A header that proves who we are. It never shows in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    header: HeaderName,
    value: HeaderValue,
}

impl Credential {
    /// Marks `value` as sensitive.
    pub fn new(header: HeaderName, mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        Self { header, value }
    }

    pub(crate) fn header(&self) -> &HeaderName {
        &self.header
    }

    pub(crate) fn value(&self) -> &HeaderValue {
        &self.value
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({}: [redacted])", self.header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_never_shows() {
        let credential = Credential::new(http::header::AUTHORIZATION, HeaderValue::from_static("Bearer k3y"));
        assert_eq!(format!("{credential:?}"), "Credential(authorization: [redacted])");
        assert!(!format!("{:?}", credential.value()).contains("k3y"));
    }
}
