//! One run of the load client, and what it cost the peer.

use crate::load::Summary;

/// A measured run.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) summary: Summary,
    /// CPU seconds of the peer.
    pub(crate) cpu_s: f64,
    /// CPU that neither the peer nor the harness used, in cores.
    pub(crate) foreign: f64,
    /// Requests that the model server saw.
    pub(crate) calls: u64,
    /// Requests that it had to see for each answer.
    pub(crate) calls_each: u64,
}

impl Sample {
    pub(crate) fn requests_per_s(&self) -> f64 {
        self.summary.answers as f64 / self.summary.seconds
    }

    /// Requests for each CPU second of the peer.
    pub(crate) fn requests_per_core(&self) -> f64 {
        self.summary.answers as f64 / self.cpu_s
    }

    pub(crate) fn cpu_us_per_request(&self) -> f64 {
        self.cpu_s * 1e6 / self.summary.answers as f64
    }

    pub(crate) fn cpu_us_per_chunk(&self) -> f64 {
        self.cpu_s * 1e6 / self.summary.chunks as f64
    }

    pub(crate) fn p50_ms(&self) -> f64 {
        self.summary.latency.p50_ms
    }

    pub(crate) fn p99_ms(&self) -> f64 {
        self.summary.latency.p99_ms
    }

    pub(crate) fn first_token_p50_ms(&self) -> f64 {
        self.summary.first_token.p50_ms
    }

    pub(crate) fn first_token_p99_ms(&self) -> f64 {
        self.summary.first_token.p99_ms
    }

    pub(crate) fn transit_p99_ms(&self) -> f64 {
        self.summary.transit.p99_ms
    }

    /// Why the run proves nothing, if so.
    pub(crate) fn void(&self) -> Option<String> {
        let Summary { answers, errors, first_error, .. } = &self.summary;
        let calls = answers * self.calls_each;
        if *errors > 0 || *answers == 0 {
            return Some(format!("{errors} errors beside {answers} answers: {first_error}"));
        }
        (self.calls != calls).then(|| format!("{} calls of the model for {answers} answers", self.calls))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(answers: u64, errors: u64, calls: u64) -> Sample {
        let summary = Summary { answers, errors, seconds: 2.0, ..Summary::default() };
        Sample { summary, cpu_s: 0.5, foreign: 0.0, calls, calls_each: 1 }
    }

    #[test]
    fn errors_and_miscounted_calls_void_a_run() {
        assert_eq!(sample(10, 0, 10).void(), None);
        assert!(sample(10, 1, 11).void().is_some());
        assert!(sample(10, 0, 11).void().is_some());
        assert!(sample(0, 0, 0).void().is_some());
    }

    #[test]
    fn rates_are_by_time_and_by_cpu() {
        assert!((sample(10, 0, 10).requests_per_s() - 5.0).abs() < f64::EPSILON);
        assert!((sample(10, 0, 10).requests_per_core() - 20.0).abs() < f64::EPSILON);
    }
}
