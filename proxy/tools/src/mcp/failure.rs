//! Why a list or a call failed, in words that are ours.

use std::time::Duration;

use protocol::responses::mcp::McpError;
use serde_json::Value;

use crate::text;

/// The longest JSON-RPC message that is passed on.
const MESSAGE_BYTES: usize = 512;

/// Why a list or a call failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The server answered with a JSON-RPC error; `message` is its own, cleaned and cut.
    #[error("the MCP server answered with error {code}")]
    Protocol {
        /// Of JSON-RPC.
        code: i64,
        /// The server's words.
        message: String,
    },
    /// The tool ran and failed.
    #[error("the tool failed")]
    Execution {
        /// The blocks of its result, without payloads and cut.
        content: Value,
        /// The same for a model.
        told: String,
    },
    /// The server could not be reached, refused, or broke off.
    #[error("{reason}")]
    Http {
        /// Why.
        reason: Reason,
        /// How long the server wants to be left alone.
        retry_after: Option<Duration>,
    },
}

/// Why a server could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// No connection.
    #[error("the MCP server cannot be reached")]
    Unreachable,
    /// The egress rules forbid its address.
    #[error("the MCP server cannot be reached")]
    Denied,
    /// No TLS connection, for instance since its certificate is not trusted.
    #[error("the MCP server cannot be reached")]
    Tls,
    /// No answer in time.
    #[error("the MCP server did not answer in time")]
    Timeout,
    /// The connection broke off.
    #[error("the connection to the MCP server was lost")]
    Lost,
    /// An answer that is none.
    #[error("the MCP server's answer is malformed")]
    Malformed,
    /// More bytes than allowed.
    #[error("the MCP server's answer is too large")]
    TooLarge,
    /// No version of the protocol in common.
    #[error("the MCP server speaks no protocol version that is known here")]
    Version,
    /// A tool list with too many pages.
    #[error("the MCP server's tool list has too many pages")]
    Pages,
    /// A tool list that begins anew.
    #[error("the MCP server's tool list repeats itself")]
    Repeats,
    /// Too many tools.
    #[error("the MCP server has too many tools")]
    Tools,
    /// A tool that asks without end.
    #[error("the tool asks too many questions")]
    Rounds,
    /// The token endpoint gave no token.
    #[error("there is no access token for the MCP server")]
    Token,
    /// The server answered with this HTTP status.
    #[error("the MCP server answered with HTTP status {0}")]
    Status(u16),
}

impl Failure {
    pub(super) fn protocol(code: i64, message: &str) -> Self {
        Self::Protocol { code, message: text::cut(text::cleaned(message), MESSAGE_BYTES) }
    }

    /// Why the server could not be used, if that is what failed.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Http { reason, .. } => Some(*reason),
            Self::Protocol { .. } | Self::Execution { .. } => None,
        }
    }

    pub(super) fn is_unauthorized(&self) -> bool {
        self.reason() == Some(Reason::Status(401))
    }
}

/// The `error` of an `mcp_call`.
impl From<Failure> for McpError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Protocol { code, message } => Self::Protocol { code, message },
            Failure::Execution { content, .. } => Self::Execution { content },
            Failure::Http { reason, .. } => Self::Http { code: reason.code(), message: reason.to_string() },
        }
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self::Http { reason, retry_after: None }
    }
}

impl Reason {
    /// As a status of HTTP: the server's own, or what a gateway would say.
    pub fn code(self) -> u16 {
        match self {
            Self::Status(code) => code,
            Self::Timeout => 504,
            Self::Token => 401,
            Self::Unreachable
            | Self::Denied
            | Self::Tls
            | Self::Lost
            | Self::Malformed
            | Self::TooLarge
            | Self::Version
            | Self::Pages
            | Self::Repeats
            | Self::Tools
            | Self::Rounds => 502,
        }
    }

    /// True if nothing is to be had over this connection any more.
    pub(super) fn ends_connection(self) -> bool {
        match self {
            Self::Status(code) => matches!(code, 300..=399 | 400 | 401 | 403 | 404 | 405 | 410),
            Self::Lost | Self::Malformed | Self::Unreachable | Self::Denied | Self::Tls | Self::Version => {
                true
            }
            Self::Timeout
            | Self::TooLarge
            | Self::Pages
            | Self::Repeats
            | Self::Tools
            | Self::Rounds
            | Self::Token => false,
        }
    }
}

/// Reads `retry-after` in seconds; dates and more than an hour are not believed.
pub(super) fn retry_after(text: Option<&str>) -> Option<Duration> {
    let seconds = text?.trim().parse::<u64>().ok()?;
    (seconds <= 3600).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(failure: &Failure) -> Value {
        McpError::from(failure.clone()).value()
    }

    #[test]
    fn every_kind_has_its_form() {
        let protocol = Failure::protocol(-32602, &"x\u{202e}".repeat(600));
        let error = shown(&protocol);
        assert_eq!(
            (error["type"].as_str(), error["code"].as_i64()),
            (Some("mcp_protocol_error"), Some(-32602))
        );
        let message = error["message"].as_str().expect("text");
        assert!(
            message.starts_with("xxx") && message.ends_with("[truncated: 512 of 600 bytes]"),
            "{message}"
        );
        let http = Failure::from(Reason::Timeout);
        assert_eq!(
            shown(&http),
            json!({"type": "http_error", "code": 504, "message": "the MCP server did not answer in time"})
        );
        let content = json!([{"type": "text", "text": "no"}]);
        let execution = Failure::Execution { content: content.clone(), told: "no".into() };
        assert_eq!(shown(&execution), json!({"type": "mcp_tool_execution_error", "content": content}));
    }

    #[test]
    fn a_wait_is_believed_up_to_an_hour() {
        assert_eq!(retry_after(Some(" 7 ")), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(Some("3601")), None);
        assert_eq!(retry_after(Some("Wed, 21 Oct 2026 07:28:00 GMT")), None);
        assert_eq!(retry_after(None), None);
    }
}
