//! What a run of the client amounts to.

use serde::{Deserialize, Serialize};

/// Counts and times of a run.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Summary {
    /// Complete answers.
    pub answers: u64,
    pub errors: u64,
    /// What went wrong first; empty without errors.
    pub first_error: String,
    pub seconds: f64,
    /// Content chunks of streams.
    pub chunks: u64,
    /// From the request to the end of the answer.
    pub latency: Quantiles,
    /// From the request to the first content chunk.
    pub first_token: Quantiles,
    /// From the model server's write to the client's read of a chunk.
    pub transit: Quantiles,
}

/// Quantiles in milliseconds; zero without samples.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Quantiles {
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
}

impl Quantiles {
    /// Sorts the samples and takes the nearest ranks.
    pub(crate) fn of(samples_ns: &mut [u64]) -> Self {
        samples_ns.sort_unstable();
        let rank = |percent: usize| {
            let index = (samples_ns.len() * percent).div_ceil(100).saturating_sub(1);
            samples_ns.get(index).map_or(0.0, |ns| *ns as f64 / 1e6)
        };
        Self { p50_ms: rank(50), p90_ms: rank(90), p99_ms: rank(99) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let mut samples: Vec<u64> = (1..=100).rev().map(|ms| ms * 1_000_000).collect();
        assert_eq!(Quantiles::of(&mut samples), Quantiles { p50_ms: 50.0, p90_ms: 90.0, p99_ms: 99.0 });
    }

    #[test]
    fn no_samples_have_no_quantiles() {
        assert_eq!(Quantiles::of(&mut []), Quantiles::default());
    }
}
