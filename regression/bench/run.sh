#!/bin/sh
# Builds the proxy, the operator and the harness for release, measures, and prints tables as Markdown.
# BENCH_SECONDS (2), BENCH_ROUNDS (5), BENCH_FULL=1 (a million stored responses), BENCH_ONLY=start,relay,streams,growth,chain,models,scale
set -eu
cd "$(dirname "$0")/../.."
cargo build --release --quiet --package proxy --package operator --package bench
target=${CARGO_TARGET_DIR:-target}
export BENCH_DIR="${BENCH_DIR:-$target/bench}"
if [ "${BENCH_ONLY:-}" != scale ]; then
    "$target/release/bench" "$@"
fi
case ",${BENCH_ONLY:-scale}," in
*,scale,*)
    # Where there is no API server, it says so.
    FAIRLEAD_KUBE_ASSETS=${FAIRLEAD_KUBE_ASSETS:-$(regression/kube/assets.sh || true)}
    export FAIRLEAD_KUBE_ASSETS
    exec "$target/release/bench-scale"
    ;;
esac
