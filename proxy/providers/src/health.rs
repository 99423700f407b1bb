//! Whether an upstream answers, by what became of the calls that clients made. Nothing is asked for the sake of it.

use std::error::Error;
use std::io;
use std::time::Duration;

use agent::model::{Failure, ModelError};
use protocol::destination::Denied;

/// Results in a row that make a change.
const RESULTS: u8 = 3;
/// The time between two changes.
const APART: Duration = Duration::from_secs(30);

/// What is known of an upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Too few calls were made.
    #[default]
    NotProbed,
    /// It answers.
    Healthy,
    /// It does not answer as it should.
    Troubled(Trouble),
}

/// Why a call came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No connection, no answer in time, or an answer of 5xx.
    Unreachable,
    /// It does not take the provider's credential.
    AuthenticationFailed,
    /// It asks to be called less often, or its quota is exhausted.
    RateLimited,
    /// No TLS connection, for instance since its certificate is not trusted.
    TlsFailure,
    /// What it answers is not the protocol.
    ProtocolError,
    /// The process may not go to its address.
    EgressDenied,
}

/// Follows the results of calls. It changes its mind after three results in a row, and not more often than every 30 s.
#[derive(Debug, Default)]
pub struct Pulse {
    state: State,
    changed: Duration,
    last: Option<Result<(), Trouble>>,
    /// How many of the last results were good, or bad, as the last one was.
    streak: u8,
}

impl Pulse {
    /// What the results so far show.
    pub fn state(&self) -> State {
        self.state
    }

    /// Takes a result in. `now` is the time since any beginning.
    pub fn note(&mut self, result: Result<(), Trouble>, now: Duration) {
        let goes_on = self.last.is_some_and(|last| last.is_ok() == result.is_ok());
        self.streak = if goes_on { self.streak.saturating_add(1) } else { 1 };
        self.last = Some(result);
        let seen = result.map_or_else(State::Troubled, |()| State::Healthy);
        let is_apart = self.state == State::NotProbed || now.saturating_sub(self.changed) >= APART;
        if seen != self.state && self.streak >= RESULTS && is_apart {
            (self.state, self.changed) = (seen, now);
        }
    }
}

/// What a failed call says of the upstream. An answer that finds fault with the request alone is an answer. `None` if nothing
/// follows: nothing was sent, or the fault is with the caller's own credential.
pub(crate) fn verdict(error: &ModelError, by_caller: bool) -> Option<Result<(), Trouble>> {
    match error.cause {
        Failure::Unsupported | Failure::Tools => None,
        Failure::Connect | Failure::Timeout | Failure::Truncated => Some(Err(Trouble::Unreachable)),
        Failure::Malformed => Some(Err(Trouble::ProtocolError)),
        Failure::Status(401 | 402 | 403 | 429) if by_caller => None,
        Failure::Status(401 | 403) => Some(Err(Trouble::AuthenticationFailed)),
        Failure::Status(402 | 429) => Some(Err(Trouble::RateLimited)),
        Failure::Status(408 | 500..) => Some(Err(Trouble::Unreachable)),
        Failure::Status(400..=499) => Some(Ok(())),
        Failure::Status(_) => Some(Err(Trouble::ProtocolError)),
    }
}

/// Why there is no connection.
pub(crate) fn unconnected(error: &(dyn Error + 'static)) -> Trouble {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            if io.get_ref().is_some_and(|inner| inner.is::<Denied>()) {
                return Trouble::EgressDenied;
            }
            if is_of_tls(io) {
                return Trouble::TlsFailure;
            }
        }
        cause = error.source();
    }
    Trouble::Unreachable
}

/// The TLS library wraps its errors so, and the connector may wrap that once more: what is inside is not named as the cause.
fn is_of_tls(error: &io::Error) -> bool {
    let inside = error.get_ref().and_then(|inside| inside.downcast_ref::<io::Error>());
    error.kind() == io::ErrorKind::InvalidData || inside.is_some_and(is_of_tls)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use protocol::error::{ApiError, SERVER_ERROR};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const DOWN: Result<(), Trouble> = Err(Trouble::Unreachable);

    fn after(results: &[(Result<(), Trouble>, u32)]) -> State {
        let mut health = Pulse::default();
        results.iter().for_each(|(result, second)| health.note(*result, SECOND * *second));
        health.state()
    }

    #[test]
    fn three_results_in_a_row_make_a_state() {
        assert_eq!(after(&[(Ok(()), 0), (Ok(()), 0)]), State::NotProbed);
        assert_eq!(after(&[(Ok(()), 0); 3]), State::Healthy);
        assert_eq!(after(&[(DOWN, 0), (DOWN, 0), (Ok(()), 0), (DOWN, 0), (DOWN, 0)]), State::NotProbed);
        assert_eq!(after(&[(DOWN, 0); 3]), State::Troubled(Trouble::Unreachable));
    }

    #[test]
    fn a_change_waits_until_the_last_one_is_long_ago() {
        let up = [(Ok(()), 0); 3];
        let down = |second| [up.as_slice(), &[(DOWN, second); 3]].concat();
        assert_eq!(after(&down(29)), State::Healthy);
        assert_eq!(
            after(&[down(29).as_slice(), &[(DOWN, 30)]].concat()),
            State::Troubled(Trouble::Unreachable)
        );
        assert_eq!(after(&down(30)), State::Troubled(Trouble::Unreachable));
    }

    fn failed(cause: Failure) -> ModelError {
        ModelError { error: ApiError::new(502, SERVER_ERROR, ""), cause }
    }

    #[test]
    fn what_is_wrong_with_a_request_is_not_wrong_with_the_upstream() {
        for (cause, expected) in [
            (Failure::Status(400), Some(Ok(()))),
            (Failure::Status(404), Some(Ok(()))),
            (Failure::Unsupported, None),
            (Failure::Status(401), Some(Err(Trouble::AuthenticationFailed))),
            (Failure::Status(429), Some(Err(Trouble::RateLimited))),
            (Failure::Status(503), Some(DOWN)),
            (Failure::Status(302), Some(Err(Trouble::ProtocolError))),
            (Failure::Timeout, Some(DOWN)),
            (Failure::Malformed, Some(Err(Trouble::ProtocolError))),
        ] {
            assert_eq!(verdict(&failed(cause), false), expected, "{cause:?}");
        }
        assert_eq!(verdict(&failed(Failure::Status(401)), true), None, "the caller's own key");
    }

    #[test]
    fn a_forbidden_address_and_a_bad_certificate_have_their_own_names() {
        let denied = io::Error::other(Denied::Scheme);
        assert_eq!(unconnected(&denied), Trouble::EgressDenied);
        assert_eq!(
            unconnected(&io::Error::new(io::ErrorKind::InvalidData, "bad certificate")),
            Trouble::TlsFailure
        );
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, "bad certificate"));
        assert_eq!(unconnected(&wrapped), Trouble::TlsFailure);
        assert_eq!(unconnected(&io::Error::from(io::ErrorKind::ConnectionRefused)), Trouble::Unreachable);
    }

    proptest! {
        /// Whatever comes: changes are apart, and each has three results in a row behind it.
        #[test]
        fn a_state_does_not_flap(results in prop::collection::vec((any::<bool>(), 0..20_u32), 0..200)) {
            let (mut health, mut now, mut changed) = (Pulse::default(), Duration::ZERO, None::<Duration>);
            let mut seen: Vec<bool> = Vec::new();
            for (is_up, pause) in results {
                now += SECOND * pause;
                seen.push(is_up);
                let before = health.state();
                health.note(if is_up { Ok(()) } else { DOWN }, now);
                if health.state() != before {
                    prop_assert!(changed.is_none_or(|changed| now - changed >= APART));
                    prop_assert!(seen.ends_with(&[is_up; 3]));
                    prop_assert_eq!(health.state() == State::Healthy, is_up);
                    changed = Some(now);
                }
            }
        }
    }
}
