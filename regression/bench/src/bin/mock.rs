//! `bench-mock LISTEN`: a model server on one thread.

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let listen = std::env::args().nth(1).context("bench-mock LISTEN")?;
    harness::mock::serve(&listen)
}
