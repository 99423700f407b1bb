#!/bin/sh
# Builds the proxy and the harness for release, measures, and prints a table as Markdown.
# BENCH_SECONDS (2), BENCH_ROUNDS (5), BENCH_FULL=1 (a million stored responses), BENCH_ONLY=start,relay,streams,growth,chain
set -eu
cd "$(dirname "$0")/../.."
cargo build --release --quiet --package proxy --package bench
target=${CARGO_TARGET_DIR:-target}
export BENCH_DIR="${BENCH_DIR:-$target/bench}"
exec "$target/release/bench" "$@"
