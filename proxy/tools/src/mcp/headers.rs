//! The headers that a server is sent besides those of the protocol.

use http::{HeaderName, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// Headers whose values are secret: they are neither shown nor logged.
#[derive(Clone, Debug, Default)]
pub struct Headers(Vec<(HeaderName, HeaderValue)>);

/// A header that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// Not a header name.
    #[error("'{0}' is not a header name")]
    Name(String),
    /// A name that transport or protocol own.
    #[error("the header '{0}' cannot be set")]
    Reserved(String),
    /// The value, which is not shown, has characters that a header cannot carry.
    #[error("the value of the header '{0}' cannot be sent")]
    Value(String),
    /// `authorization`, for the second time.
    #[error("there are two values for the header 'authorization'")]
    Twice,
}

/// Names that transport or protocol own.
const RESERVED: [&str; 15] = [
    "accept",
    "accept-encoding",
    "baggage",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "last-event-id",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
const RESERVED_PREFIXES: [&str; 3] = ["mcp-", "x-forwarded-", "proxy-"];

impl Headers {
    /// Adds a header.
    ///
    /// Errors: [`BadHeader`].
    pub fn with(mut self, name: &str, value: &SecretString) -> Result<Self, BadHeader> {
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| BadHeader::Name(name.to_owned()))?;
        if is_reserved(&parsed) {
            return Err(BadHeader::Reserved(name.to_owned()));
        }
        if parsed == header::AUTHORIZATION && self.has_authorization() {
            return Err(BadHeader::Twice);
        }
        let mut value = HeaderValue::from_str(value.expose_secret())
            .map_err(|_| BadHeader::Value(parsed.as_str().to_owned()))?;
        value.set_sensitive(true);
        self.0.retain(|(known, _)| *known != parsed);
        self.0.push((parsed, value));
        Ok(self)
    }

    /// Adds `authorization` with a bearer token.
    ///
    /// Errors: [`BadHeader`].
    pub fn with_bearer(self, token: &SecretString) -> Result<Self, BadHeader> {
        let value = SecretString::from(format!("Bearer {}", token.expose_secret()));
        self.with(header::AUTHORIZATION.as_str(), &value)
    }

    /// Adds the headers of `others`, which take the place of those that have the same names.
    #[must_use]
    pub fn overlaid(mut self, others: &Self) -> Self {
        self.0.retain(|(name, _)| others.0.iter().all(|(other, _)| other != name));
        self.0.extend(others.0.iter().cloned());
        self
    }

    /// Leaves `authorization` out.
    #[must_use]
    pub fn without_authorization(mut self) -> Self {
        self.0.retain(|(name, _)| *name != header::AUTHORIZATION);
        self
    }

    /// True if it carries credentials of its own.
    pub fn has_authorization(&self) -> bool {
        self.0.iter().any(|(name, _)| *name == header::AUTHORIZATION)
    }

    pub(super) fn pairs(&self) -> &[(HeaderName, HeaderValue)] {
        &self.0
    }

    /// Tells sets of headers apart without keeping their values. The order does not count.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut sorted: Vec<_> = self.0.iter().collect();
        sorted.sort_by(|a, b| a.0.as_str().cmp(b.0.as_str()));
        let mut hash = Sha256::new();
        for (name, value) in sorted {
            for part in [name.as_str().as_bytes(), value.as_bytes()] {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
        }
        hash.finalize().into()
    }
}

fn is_reserved(name: &HeaderName) -> bool {
    let name = name.as_str();
    RESERVED.contains(&name) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[test]
    fn names_of_transport_and_protocol_are_refused() {
        for name in ["Host", "Cookie", "MCP-Session-Id", "x-forwarded-for", "traceparent", "Accept", "TE"] {
            let refused = Headers::default().with(name, &secret("x"));
            assert_eq!(refused.err(), Some(BadHeader::Reserved(name.to_owned())));
        }
        assert!(matches!(Headers::default().with("a b", &secret("x")), Err(BadHeader::Name(_))));
    }

    #[test]
    fn values_are_not_shown() {
        let headers = Headers::default().with("x-key", &secret("hunter2")).expect("good");
        let headers = headers.with_bearer(&secret("hunter3")).expect("good");
        let shown = format!("{headers:?}");
        assert!(!shown.contains("hunter"), "{shown}");
        let refused = Headers::default().with("x-key", &secret("hunter2\n")).expect_err("bad");
        assert!(!format!("{refused} {refused:?}").contains("hunter"));
    }

    #[test]
    fn credentials_are_given_once() {
        let headers = Headers::default().with("Authorization", &secret("Basic x")).expect("good");
        assert_eq!(headers.with_bearer(&secret("y")).err(), Some(BadHeader::Twice));
    }

    #[test]
    fn the_digest_depends_on_every_byte_and_not_on_the_order() {
        let of = |pairs: &[(&str, &str)]| {
            let add = |headers: Headers, (name, value): &(&str, &str)| headers.with(name, &secret(value));
            pairs.iter().try_fold(Headers::default(), add).expect("good").digest()
        };
        assert_eq!(of(&[("a", "1"), ("b", "2")]), of(&[("b", "2"), ("a", "1")]));
        assert_ne!(of(&[("a", "1"), ("b", "2")]), of(&[("a", "1b"), ("b", "2")]));
        assert_ne!(of(&[("a", "bc")]), of(&[("ab", "c")]));
    }
}
