//! How the upstreams of providers and MCP servers fare, in the words of conditions.

use serde::{Deserialize, Serialize};

/// How an upstream fares, as a proxy sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Health {
    /// It answers.
    Healthy,
    /// No connection, no answer in time, or an answer of 5xx.
    Unreachable,
    /// It does not take the credential.
    AuthenticationFailed,
    /// It asks to be called less often.
    RateLimited,
    /// No TLS connection.
    TLSFailure,
    /// What it answers is not the protocol.
    ProtocolError,
    /// The proxy may not go to its address.
    EgressDenied,
}

impl Health {
    /// Returns the reason of the condition `Healthy`.
    #[must_use]
    pub fn reason(self) -> String {
        format!("{self:?}")
    }

    /// Tells in a sentence what is wrong; empty if nothing is.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Healthy => "",
            Self::Unreachable => "it does not answer, or answers with errors of its own",
            Self::AuthenticationFailed => "it does not take the credential: check the Secret",
            Self::RateLimited => "it limits the rate of requests, or its quota is exhausted",
            Self::TLSFailure => "no TLS connection can be made: check its certificate",
            Self::ProtocolError => {
                "its answers are not those of the protocol: check type or protocol, and the URL"
            }
            Self::EgressDenied => "its address may not be called: check the URL and allowPrivateEndpoint",
        }
    }
}

/// The reason of the condition `Healthy` where too few calls were made to tell.
pub const NOT_PROBED: &str = "NotProbed";
