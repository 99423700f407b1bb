//! The command line of the client.

use std::path::PathBuf;

use clap::Parser;

/// Send requests on loopback in a closed loop.
#[derive(Clone, Debug, Parser)]
#[command(name = "bench-load")]
pub struct Arguments {
    /// The peer
    #[arg(long, value_name = "ADDRESS")]
    pub address: String,
    /// Where to; `{id}` is replaced by an id of --ids
    #[arg(long, default_value = "/v1/chat/completions")]
    pub path: String,
    /// The body of a POST; without it, GET
    #[arg(long)]
    pub body: Option<String>,
    /// A file of ids, one a line, taken in turn
    #[arg(long, value_name = "FILE")]
    pub ids: Option<PathBuf>,
    /// What a complete answer contains
    #[arg(long)]
    pub expect: String,
    #[arg(long, default_value_t = 16)]
    pub connections: u64,
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,
    /// Stop after so many requests
    #[arg(long, default_value_t = u64::MAX)]
    pub requests: u64,
    /// Let the connections begin over this time
    #[arg(long, default_value_t = 0)]
    pub ramp_ms: u64,
    /// Read the answers as event streams
    #[arg(long)]
    pub stream: bool,
    /// Continue the last response of the connection, and start anew after so many turns
    #[arg(long, default_value_t = 0)]
    pub chain: u64,
}
