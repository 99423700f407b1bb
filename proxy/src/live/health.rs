//! How upstreams and MCP servers fare, in the words of statuses.

use config::Health;
use providers::{Health as Seen, Trouble};
use tools::mcp::{Failure, Reason};

/// What results of calls show; `None` where there were too few.
pub(super) fn told(seen: Seen) -> Option<Health> {
    match seen {
        Seen::NotProbed => None,
        Seen::Healthy => Some(Health::Healthy),
        Seen::Troubled(trouble) => Some(match trouble {
            Trouble::Unreachable => Health::Unreachable,
            Trouble::AuthenticationFailed => Health::AuthenticationFailed,
            Trouble::RateLimited => Health::RateLimited,
            Trouble::TlsFailure => Health::TLSFailure,
            Trouble::ProtocolError => Health::ProtocolError,
            Trouble::EgressDenied => Health::EgressDenied,
        }),
    }
}

/// What a failed call says of an MCP server. A tool's own error, and one about the arguments, are answers. `None` if nothing
/// follows: it was too much of something, or the fault is with the caller's own credential.
pub(super) fn of_call(failure: &Failure, by_caller: bool) -> Option<Result<(), Trouble>> {
    match failure {
        Failure::Execution { .. } | Failure::Protocol { .. } => Some(Ok(())),
        Failure::Http { reason: Reason::TooLarge | Reason::Rounds, .. } => None,
        Failure::Http { reason, .. } => of_reason(*reason, by_caller).map(Err),
    }
}

/// What a failed list says of an MCP server: one that cannot list its tools does not speak the protocol.
pub(super) fn of_list(failure: &Failure, by_caller: bool) -> Option<Trouble> {
    match failure {
        Failure::Execution { .. } | Failure::Protocol { .. } => Some(Trouble::ProtocolError),
        Failure::Http { reason, .. } => of_reason(*reason, by_caller),
    }
}

fn of_reason(reason: Reason, by_caller: bool) -> Option<Trouble> {
    match reason {
        Reason::Status(401..=403 | 429) if by_caller => None,
        Reason::Status(401 | 403) | Reason::Token => Some(Trouble::AuthenticationFailed),
        Reason::Status(402 | 429) => Some(Trouble::RateLimited),
        Reason::Status(408 | 500..) | Reason::Unreachable | Reason::Lost | Reason::Timeout => {
            Some(Trouble::Unreachable)
        }
        Reason::Denied => Some(Trouble::EgressDenied),
        Reason::Tls => Some(Trouble::TlsFailure),
        Reason::Status(_)
        | Reason::Malformed
        | Reason::TooLarge
        | Reason::Version
        | Reason::Pages
        | Reason::Repeats
        | Reason::Tools
        | Reason::Rounds => Some(Trouble::ProtocolError),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_server_that_answers_is_there_whatever_its_tools_say() {
        let tool = Failure::Execution { content: json!([]), told: "no".into() };
        let rpc = Failure::Protocol { code: -32602, message: "no such tool".into() };
        assert_eq!(of_call(&tool, false), Some(Ok(())));
        assert_eq!(of_call(&rpc, false), Some(Ok(())));
        assert_eq!(of_list(&rpc, false), Some(Trouble::ProtocolError), "it has to list");
        for (reason, expected) in [
            (Reason::TooLarge, None),
            (Reason::Timeout, Some(Trouble::Unreachable)),
            (Reason::Status(503), Some(Trouble::Unreachable)),
            (Reason::Status(401), Some(Trouble::AuthenticationFailed)),
            (Reason::Token, Some(Trouble::AuthenticationFailed)),
            (Reason::Status(429), Some(Trouble::RateLimited)),
            (Reason::Status(404), Some(Trouble::ProtocolError)),
            (Reason::Malformed, Some(Trouble::ProtocolError)),
            (Reason::Tls, Some(Trouble::TlsFailure)),
            (Reason::Denied, Some(Trouble::EgressDenied)),
        ] {
            assert_eq!(of_call(&reason.into(), false), expected.map(Err), "{reason:?}");
        }
    }

    #[test]
    fn a_credential_of_the_caller_is_no_fault_of_the_server() {
        for code in [401, 402, 403, 429] {
            assert_eq!(of_call(&Reason::Status(code).into(), true), None, "{code}");
            assert_eq!(of_list(&Reason::Status(code).into(), true), None, "{code}");
        }
        assert_eq!(of_call(&Reason::Status(500).into(), true), Some(Err(Trouble::Unreachable)));
    }
}
