//! How many retries an upstream is worth: a share of its requests, and a few per second.

/// How long a request counts.
const WINDOW_SECONDS: u64 = 10;
/// Retries per second that are always allowed; as many may come at once.
const FREE_PER_SECOND: u64 = 3;
/// What one retry costs: each request brings as many as the percentage says.
const COST: u64 = 100;

/// The budget of one upstream. Time is given, in seconds from any beginning.
///
/// Law: over any time of `t` seconds with `n` requests there are at most `3 + 3t + n × percent / 100` retries.
#[derive(Debug)]
pub struct Budget {
    percent: u64,
    /// What the requests of a second brought and nobody spent.
    earned: [Earned; WINDOW_SECONDS as usize],
    free: u64,
    refilled: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Earned {
    second: u64,
    points: u64,
}

impl Budget {
    /// A budget of so many retries for a hundred requests.
    pub fn new(percent: u8) -> Self {
        let earned = [Earned::default(); WINDOW_SECONDS as usize];
        Self { percent: percent.into(), earned, free: FREE_PER_SECOND, refilled: 0 }
    }

    /// Counts a request that is no retry.
    pub fn request(&mut self, second: u64) {
        let percent = self.percent;
        let place = usize::try_from(second % WINDOW_SECONDS).unwrap_or(0);
        let Some(slot) = self.earned.get_mut(place) else { return };
        if slot.second != second {
            *slot = Earned { second, points: 0 };
        }
        slot.points = slot.points.saturating_add(percent);
    }

    /// Spends a retry; false if none is left.
    pub fn retry(&mut self, second: u64) -> bool {
        self.refill(second);
        let is_fresh = |slot: &Earned| second.saturating_sub(slot.second) < WINDOW_SECONDS;
        let total: u64 = self.earned.iter().filter(|slot| is_fresh(slot)).map(|slot| slot.points).sum();
        if total >= COST {
            self.spend(second);
            return true;
        }
        let is_free = self.free > 0;
        self.free = self.free.saturating_sub(1);
        is_free
    }

    fn refill(&mut self, second: u64) {
        let gained = second.saturating_sub(self.refilled).saturating_mul(FREE_PER_SECOND);
        self.free = self.free.saturating_add(gained).min(FREE_PER_SECOND);
        self.refilled = self.refilled.max(second);
    }

    /// Takes the cost from the oldest seconds first.
    fn spend(&mut self, second: u64) {
        let mut cost = COST;
        let oldest = second.saturating_sub(WINDOW_SECONDS - 1);
        for slot_second in oldest..=second {
            let place = usize::try_from(slot_second % WINDOW_SECONDS).unwrap_or(0);
            if let Some(slot) = self.earned.get_mut(place).filter(|slot| slot.second == slot_second) {
                let taken = cost.min(slot.points);
                slot.points -= taken;
                cost -= taken;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quiet_upstream_has_three_retries_a_second() {
        let mut budget = Budget::new(20);
        assert_eq!((0..5).filter(|_| budget.retry(0)).count(), 3);
        assert_eq!((0..5).filter(|_| budget.retry(1)).count(), 3);
    }

    #[test]
    fn a_hundred_requests_bring_twenty_retries() {
        let mut budget = Budget::new(20);
        (0..100).for_each(|_| budget.request(4));
        assert_eq!((0..100).filter(|_| budget.retry(5)).count(), 23);
    }

    #[test]
    fn requests_are_forgotten_after_ten_seconds() {
        let mut budget = Budget::new(20);
        (0..100).for_each(|_| budget.request(4));
        assert_eq!((0..100).filter(|_| budget.retry(14)).count(), 3);
    }

    #[test]
    fn no_share_leaves_the_free_ones() {
        let mut budget = Budget::new(0);
        (0..100).for_each(|_| budget.request(0));
        assert_eq!((0..100).filter(|_| budget.retry(0)).count(), 3);
    }

    proptest! {
        #[test]
        fn retries_stay_within_the_law(percent in 0u8..=100, steps in prop::collection::vec((0u64..3, any::<bool>()), 0..300)) {
            let (mut budget, mut now, mut requests, mut retries) = (Budget::new(percent), 0, 0u64, 0u64);
            for (pause, is_request) in steps {
                now += pause;
                if is_request {
                    budget.request(now);
                    requests += 1;
                } else if budget.retry(now) {
                    retries += 1;
                }
                prop_assert!(retries <= 3 + 3 * now + requests * u64::from(percent) / 100);
            }
        }
    }
}
