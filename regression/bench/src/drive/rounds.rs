//! Peers in turn, so that a drift of the machine meets all of them.

use std::collections::BTreeMap;

use crate::drive::load::Load;
use crate::drive::peer::Peer;
use crate::drive::sample::Sample;
use crate::drive::stage::Stage;

const WARM_UP_S: f64 = 0.4;

/// A peer under a load.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    pub(crate) label: &'static str,
    pub(crate) peer: &'a Peer,
    pub(crate) load: Load,
}

/// A figure of a sample.
pub(crate) type Metric = fn(&Sample) -> f64;

/// The samples of each case, one a round.
#[derive(Debug)]
pub(crate) struct Rounds(BTreeMap<&'static str, Vec<Sample>>);

impl Rounds {
    /// Warms all cases up and then runs each once a round, in an order that turns.
    pub(crate) fn run(stage: &Stage, cases: &[Case<'_>]) -> anyhow::Result<Self> {
        for case in cases {
            stage.measure_for(case.peer, &case.load, WARM_UP_S)?;
        }
        let mut samples: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for round in 0..stage.rounds {
            for index in 0..cases.len() {
                let case = &cases[(index + round) % cases.len()];
                let sample = stage.measure(case.peer, &case.load)?;
                samples.entry(case.label).or_default().push(sample);
            }
        }
        Ok(Self(samples))
    }

    /// A figure of each round.
    pub(crate) fn values(&self, label: &str, metric: Metric) -> Vec<f64> {
        self.samples(label).map(metric).collect()
    }

    /// Combines the figures of two cases within each round.
    pub(crate) fn pairs(
        &self,
        (ours, base): (&str, &str),
        metric: Metric,
        join: fn(f64, f64) -> f64,
    ) -> Vec<f64> {
        let (ours, base) = (self.values(ours, metric), self.values(base, metric));
        ours.into_iter().zip(base).map(|(ours, base)| join(ours, base)).collect()
    }

    /// Why the rounds of a case prove nothing, if so.
    pub(crate) fn void(&self, label: &str) -> Option<String> {
        let why = self.samples(label).find_map(Sample::void)?;
        Some(format!("{label}: {why}"))
    }

    fn samples(&self, label: &str) -> impl Iterator<Item = &Sample> {
        self.0.get(label).into_iter().flatten()
    }
}
