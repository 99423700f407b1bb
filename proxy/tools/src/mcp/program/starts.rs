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
    /// When the next start may be, as it looks at `now`. Who only asks puts nothing off.
    pub(super) fn due(&self, now: Instant) -> Instant {
        self.last.map_or(now, |last| now.max(last + self.pause_after(last, now)))
    }

    /// Takes a start down, if it may be at `now`.
    pub(super) fn begin(&mut self, now: Instant) -> bool {
        if self.due(now) > now {
            return false;
        }
        self.pause = self.last.map_or(Duration::ZERO, |last| self.pause_after(last, now));
        self.last = Some(now);
        true
    }

    fn pause_after(&self, last: Instant, now: Instant) -> Duration {
        let was_well = now.saturating_duration_since(last) >= STEADY;
        if was_well { Duration::ZERO } else { (self.pause * 2).clamp(FIRST, LONGEST) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Waits and starts.
    fn started(starts: &mut Starts, now: Instant) -> Instant {
        let at = starts.due(now);
        assert!(starts.begin(at));
        at
    }

    #[test]
    fn who_gives_up_waiting_puts_nothing_off() {
        let (mut starts, begin) = (Starts::default(), Instant::now());
        assert!(starts.begin(begin));
        for _ in 0..10 {
            assert_eq!(starts.due(begin), begin + FIRST);
            assert!(!starts.begin(begin));
        }
        assert!(starts.begin(begin + FIRST));
    }

    #[test]
    fn a_program_that_ends_at_once_is_started_less_and_less_often() {
        let (mut starts, begin) = (Starts::default(), Instant::now());
        let (mut now, mut pauses) = (begin, Vec::new());
        for _ in 0..9 {
            let at = started(&mut starts, now);
            pauses.push((at - now).as_millis());
            now = at;
        }
        assert_eq!(pauses, [0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        let later = now + STEADY;
        assert_eq!(started(&mut starts, later), later);
        assert_eq!(started(&mut starts, later), later + FIRST, "it begins anew");
    }

    proptest! {
        /// Whenever it is asked for: no start is before it is asked for, none waits for more than the longest pause after the
        /// one before, and after the first no two are closer than the first pause.
        #[test]
        fn starts_are_apart(asked in proptest::collection::vec(0..90_000_u64, 1..60)) {
            let (mut starts, mut now, mut last) = (Starts::default(), Instant::now(), None::<Instant>);
            for pause in asked {
                now += Duration::from_millis(pause);
                let at = started(&mut starts, now);
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
