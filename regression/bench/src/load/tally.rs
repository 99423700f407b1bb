//! Counts and samples while a run goes on.

use crate::load::events::Marks;
use crate::load::summary::{Quantiles, Summary};

/// Shared by all connections of the one thread. Times are nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    issued: u64,
    errors: u64,
    first_error: String,
    latency: Vec<u64>,
    first_token: Vec<u64>,
    transit: Vec<u64>,
}

impl Tally {
    /// Counts a request that is about to be sent, unless `most` were sent. Returns its number from 0.
    pub(crate) fn issue(&mut self, most: u64) -> Option<u64> {
        (self.issued < most).then(|| {
            self.issued += 1;
            self.issued - 1
        })
    }

    /// Takes the times of a complete answer.
    pub(crate) fn succeed(&mut self, sent_ns: u64, ended_ns: u64, marks: &Marks) {
        self.latency.push(ended_ns.saturating_sub(sent_ns));
        self.first_token.extend(marks.first_ns.map(|first| first.saturating_sub(sent_ns)));
        self.transit.extend_from_slice(&marks.transit_ns);
    }

    pub(crate) fn fail(&mut self, error: &str) {
        self.errors += 1;
        if self.first_error.is_empty() {
            error.clone_into(&mut self.first_error);
        }
    }

    pub(crate) fn summary(&mut self, elapsed_ns: u64) -> Summary {
        Summary {
            answers: self.latency.len() as u64,
            errors: self.errors,
            first_error: self.first_error.clone(),
            seconds: elapsed_ns as f64 / 1e9,
            chunks: self.transit.len() as u64,
            latency: Quantiles::of(&mut self.latency),
            first_token: Quantiles::of(&mut self.first_token),
            transit: Quantiles::of(&mut self.transit),
        }
    }
}
