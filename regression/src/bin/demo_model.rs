//! `fairlead-demo-model`: the deterministic model server of the quickstart. It is not a language model.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use regression::fakes::model::ModelServer;

/// A model server that follows fixed rules: Chat Completions, Responses, Embeddings, Models. It is not a language model.
#[derive(Parser)]
#[command(name = "fairlead-demo-model", version)]
struct Cli {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:18080")]
    listen: SocketAddr,
    /// Milliseconds between two chunks of a stream
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pace_ms: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let server = ModelServer::bind(cli.listen, Duration::from_millis(cli.pace_ms)).await?;
    // Nobody may read the output; the server serves all the same.
    let _ = writeln!(std::io::stderr(), "demo model: listening on {}", server.url());
    tokio::select! {
        () = server.run() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}
