//! The command line of the driver.

use std::path::PathBuf;

use clap::Parser;

/// Measure the proxy beside a bare pingora pass-through.
#[derive(Clone, Debug, Parser)]
#[command(name = "bench")]
pub struct Arguments {
    /// How long a peer is loaded in one round
    #[arg(long, env = "BENCH_SECONDS", default_value_t = 2.0)]
    pub seconds: f64,
    #[arg(long, env = "BENCH_ROUNDS", default_value_t = 5)]
    pub rounds: usize,
    /// Fill the store with a million responses; a hundred thousand unless set
    #[arg(long, env = "BENCH_FULL", value_parser = clap::builder::FalseyValueParser::new())]
    pub full: bool,
    /// Only these scenarios
    #[arg(long, env = "BENCH_ONLY", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Where data and logs are written; a disk, since a store in memory proves nothing
    #[arg(long, env = "BENCH_DIR", default_value = "target/bench")]
    pub folder: PathBuf,
    /// The proxy; beside this program unless set
    #[arg(long, env = "BENCH_PROXY")]
    pub proxy: Option<PathBuf>,
}

impl Arguments {
    pub(crate) fn wants(&self, scenario: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == scenario)
    }
}
