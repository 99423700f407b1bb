//! Who is asked next: pure, with all randomness out of the seed of the call.

use std::time::Duration;

use agent::model::{Failure, ModelError};

use crate::retry::{Backoff, Reasons, Retry};

/// The longest `Retry-After` that is waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What to do about a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Ask another target at once.
    Other,
    /// Ask a target again after a pause.
    Again(Duration),
    /// Give up.
    Nobody,
}

/// What puts a target before another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rank {
    pub(crate) priority: u8,
    pub(crate) weight: u16,
    /// True while its upstream asks to be left alone.
    pub(crate) resting: bool,
}

/// The attempts of one call.
#[derive(Debug)]
pub(crate) struct Attempts {
    /// Places of targets; the first one is asked.
    queue: Vec<usize>,
    first: Option<usize>,
    /// How many of them were not asked yet.
    fresh: usize,
    made: u8,
    retry: Retry,
    seed: u64,
}

/// What a failure allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nobody would answer otherwise.
    Final,
    /// This target will fail again, another may not.
    Elsewhere,
    /// It may pass.
    Passing,
}

impl Attempts {
    /// `pinned` keeps all attempts with the first target.
    pub(crate) fn new(targets: &[Rank], retry: Retry, seed: u64, pinned: bool) -> Self {
        let mut queue = order(targets, seed);
        if pinned {
            queue.truncate(1);
        }
        let fresh = queue.len().saturating_sub(1);
        let first = queue.first().copied();
        Self { queue, first, fresh, made: 1, retry, seed }
    }

    /// The target to ask, if there is any.
    pub(crate) fn current(&self) -> Option<usize> {
        self.queue.first().copied()
    }

    /// True if the target is the one that was asked first.
    pub(crate) fn is_first(&self) -> bool {
        self.current() == self.first
    }

    /// Decides after a failure and moves to the next target.
    pub(crate) fn fail(&mut self, error: &ModelError) -> Next {
        let verdict = verdict(error, self.retry.reasons);
        if verdict == Verdict::Final || self.made >= self.retry.max_attempts {
            return Next::Nobody;
        }
        let wait = error.error.retry_after;
        let may_wait = wait.is_none_or(|wait| wait <= LONGEST_WAIT);
        if self.fresh > 0 {
            let keeps = verdict == Verdict::Passing && wait.is_none();
            self.advance(keeps);
            self.fresh -= 1;
            self.made += 1;
            return Next::Other;
        }
        if verdict == Verdict::Elsewhere || !may_wait {
            self.queue.drain(..1.min(self.queue.len()));
            if self.queue.is_empty() {
                return Next::Nobody;
            }
        } else {
            self.advance(true);
        }
        let pause = pause(self.retry.backoff, self.made, mix(self.seed.wrapping_add(self.made.into())));
        self.made += 1;
        Next::Again(wait.filter(|_| may_wait && self.queue.len() == 1).map_or(pause, |wait| wait.max(pause)))
    }

    /// Takes the first target off; it comes back at the end if it may pass.
    fn advance(&mut self, keeps: bool) {
        if self.queue.is_empty() {
            return;
        }
        let first = self.queue.remove(0);
        if keeps {
            self.queue.push(first);
        }
    }
}

fn verdict(error: &ModelError, reasons: Reasons) -> Verdict {
    let passing = |allowed: bool| if allowed { Verdict::Passing } else { Verdict::Final };
    match error.cause {
        Failure::Connect | Failure::Truncated => passing(reasons.connect_failure),
        Failure::Timeout | Failure::Status(408) => passing(reasons.timeout),
        Failure::Status(429) if error.error.should_retry == Some(false) => Verdict::Elsewhere,
        Failure::Status(429) => passing(reasons.rate_limited),
        Failure::Status(409 | 500..=599) | Failure::Malformed => passing(reasons.server_error),
        Failure::Status(401..=404) | Failure::Unsupported => Verdict::Elsewhere,
        Failure::Status(_) | Failure::Tools => Verdict::Final,
    }
}

/// By priority, and within one by chance, a double weight being first twice as often; those without weight, and in the
/// end those that rest, last.
fn order(targets: &[Rank], seed: u64) -> Vec<usize> {
    let mut places: Vec<(bool, u8, f64, usize)> = targets
        .iter()
        .enumerate()
        .map(|(place, rank)| {
            let lot = fraction(mix(seed.wrapping_add(mix(place as u64))));
            // Exponential lots: the least of them falls on each with a chance in proportion to its weight.
            let key =
                if rank.weight == 0 { f64::INFINITY } else { -(1.0 - lot).ln() / f64::from(rank.weight) };
            (rank.resting, rank.priority, key, place)
        })
        .collect();
    places.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.total_cmp(&b.2)).then(a.3.cmp(&b.3)));
    places.into_iter().map(|(_, _, _, place)| place).collect()
}

fn pause(backoff: Backoff, made: u8, random: u64) -> Duration {
    let factor = 1u32.checked_shl(u32::from(made.saturating_sub(1))).unwrap_or(u32::MAX);
    backoff.base.saturating_mul(factor).min(backoff.max).mul_f64(fraction(random))
}

/// 0 to 1, without 1.
fn fraction(random: u64) -> f64 {
    (random >> 11) as f64 / (1u64 << 53) as f64
}

/// SplitMix64: spreads a seed.
fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use protocol::error::ApiError;

    use super::*;

    fn error(cause: Failure) -> ModelError {
        ModelError { error: ApiError::internal(), cause }
    }

    fn limited(seconds: u64) -> ModelError {
        let error = ApiError::internal().with_retry_after(Duration::from_secs(seconds));
        ModelError { error, cause: Failure::Status(429) }
    }

    fn ranks(targets: &[(u8, u16)]) -> Vec<Rank> {
        targets
            .iter()
            .map(|(priority, weight)| Rank { priority: *priority, weight: *weight, resting: false })
            .collect()
    }

    fn attempts(targets: &[(u8, u16)]) -> Attempts {
        Attempts::new(&ranks(targets), Retry::default(), 7, false)
    }

    #[test]
    fn a_lower_priority_goes_first() {
        assert_eq!(order(&ranks(&[(1, 100), (0, 1), (2, 1)]), 3), [1, 0, 2]);
    }

    #[test]
    fn weights_divide_the_calls() {
        let first = (0..10_000).filter(|seed| order(&ranks(&[(0, 3), (0, 1)]), *seed)[0] == 0).count();
        assert!((7_300..7_700).contains(&first), "{first}");
    }

    #[test]
    fn a_target_without_weight_comes_last() {
        assert!((0..100).all(|seed| order(&ranks(&[(0, 0), (0, 1)]), seed) == [1, 0]));
    }

    #[test]
    fn a_target_that_rests_comes_last() {
        let mut ranks = ranks(&[(0, 1), (1, 1)]);
        ranks[0].resting = true;
        assert_eq!(order(&ranks, 3), [1, 0]);
    }

    #[test]
    fn a_target_that_asked_to_wait_is_not_asked_again_beside_others() {
        let mut attempts = attempts(&[(0, 1), (1, 1)]);
        assert_eq!(attempts.fail(&limited(7)), Next::Other);
        assert!(matches!(attempts.fail(&error(Failure::Status(503))), Next::Again(_)));
        assert_eq!(attempts.current(), Some(1));
    }

    #[test]
    fn a_failure_moves_to_the_next_target_at_once() {
        let mut attempts = attempts(&[(0, 1), (1, 1)]);
        assert_eq!(attempts.fail(&error(Failure::Status(503))), Next::Other);
        assert_eq!(attempts.current(), Some(1));
    }

    #[test]
    fn an_only_target_is_asked_again_after_a_pause() {
        let mut attempts = attempts(&[(0, 1)]);
        let Next::Again(first) = attempts.fail(&error(Failure::Connect)) else { panic!("no retry") };
        assert!(first < Duration::from_millis(100));
        let Next::Again(second) = attempts.fail(&error(Failure::Connect)) else { panic!("no retry") };
        assert!(second < Duration::from_millis(200));
        assert_eq!(attempts.fail(&error(Failure::Connect)), Next::Nobody);
    }

    #[test]
    fn the_wait_that_a_server_asks_for_is_kept() {
        let Next::Again(pause) = attempts(&[(0, 1)]).fail(&limited(7)) else { panic!("no retry") };
        assert_eq!(pause, Duration::from_secs(7));
        assert_eq!(attempts(&[(0, 1)]).fail(&limited(31)), Next::Nobody);
        assert_eq!(attempts(&[(0, 1), (0, 1)]).fail(&limited(31)), Next::Other);
    }

    #[test]
    fn a_refused_credential_or_an_unknown_model_is_tried_elsewhere_only() {
        for status in [401, 402, 403, 404] {
            assert_eq!(attempts(&[(0, 1)]).fail(&error(Failure::Status(status))), Next::Nobody);
            assert_eq!(attempts(&[(0, 1), (0, 1)]).fail(&error(Failure::Status(status))), Next::Other);
        }
    }

    #[test]
    fn a_bad_request_is_final() {
        for status in [302, 400, 413, 422] {
            assert_eq!(attempts(&[(0, 1), (0, 1)]).fail(&error(Failure::Status(status))), Next::Nobody);
        }
    }

    #[test]
    fn reasons_that_were_not_given_are_final() {
        let reasons =
            Reasons { connect_failure: false, timeout: false, rate_limited: false, server_error: false };
        for cause in [Failure::Connect, Failure::Timeout, Failure::Status(429), Failure::Status(500)] {
            let retry = Retry { reasons, ..Retry::default() };
            assert_eq!(
                Attempts::new(&ranks(&[(0, 1), (0, 1)]), retry, 1, false).fail(&error(cause)),
                Next::Nobody
            );
        }
    }

    #[test]
    fn a_pinned_call_stays_with_its_first_target() {
        let mut attempts = Attempts::new(&ranks(&[(0, 1), (0, 1)]), Retry::default(), 7, true);
        let first = attempts.current();
        assert!(matches!(attempts.fail(&error(Failure::Status(503))), Next::Again(_)));
        assert_eq!(attempts.current(), first);
    }

    #[test]
    fn attempts_are_bounded_over_all_targets() {
        let mut attempts = attempts(&[(0, 1); 9]);
        let made =
            std::iter::from_fn(|| (attempts.fail(&error(Failure::Connect)) != Next::Nobody).then_some(()))
                .count();
        assert_eq!(made, 2);
    }
}
