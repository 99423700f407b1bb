//! How often a program is started.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause between two starts; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
/// Between two starts so far apart the program was well.
const STEADY: Duration = Duration::from_secs(60);

/// The last start, and the pause that the next one keeps.
#[derive(Debug, Default)]
pub(super) struct Starts {
    last: Option<Instant>,
    pause: Duration,
}

impl Starts {
    /// When the next start may be, which counts as done then.
    pub(super) fn next(&mut self, now: Instant) -> Instant {
        let at = match self.last {
            None => now,
            Some(last) if now.saturating_duration_since(last) >= STEADY => {
                self.pause = Duration::ZERO;
                now
            }
            Some(last) => {
                self.pause = (self.pause * 2).clamp(FIRST, LONGEST);
                now.max(last + self.pause)
            }
        };
        self.last = Some(at);
        at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_program_that_ends_at_once_is_started_less_and_less_often() {
        let (mut starts, begin) = (Starts::default(), Instant::now());
        let (mut now, mut pauses) = (begin, Vec::new());
        for _ in 0..9 {
            let at = starts.next(now);
            pauses.push((at - now).as_millis());
            now = at;
        }
        assert_eq!(pauses, [0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        let later = now + STEADY;
        assert_eq!(starts.next(later), later);
        assert_eq!(starts.next(later), later + FIRST, "it begins anew");
    }

    proptest! {
        /// Whenever it is asked for: no start is before it is asked for, none waits for more than the longest pause after the
        /// one before, and after the first no two are closer than the first pause.
        #[test]
        fn starts_are_apart(asked in proptest::collection::vec(0..90_000_u64, 1..60)) {
            let (mut starts, mut now, mut last) = (Starts::default(), Instant::now(), None::<Instant>);
            for pause in asked {
                now += Duration::from_millis(pause);
                let at = starts.next(now);
                prop_assert!(at >= now);
                if let Some(last) = last {
                    prop_assert!(at >= last + FIRST);
                    prop_assert!(at <= now.max(last + LONGEST));
                }
                now = at;
                last = Some(at);
            }
        }
    }
}
