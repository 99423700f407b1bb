#!/usr/bin/env bash
# `make test`, and what CI runs: every suite, whatever the ones before it did. The last line is the count.
here=$(dirname "${BASH_SOURCE[0]}")
source "$here/lib.sh"
source "$here/suites.sh"

cd "$root"

suite step setup regression/make/setup.sh
((failed == 0)) || conclude

# The first time it builds, and waits for no suite that does not need it. What it says is said again to the suite that does.
beside regression/kube/assets.sh
suite step format cargo fmt --all --check
suite step lints cargo clippy --workspace --all-targets -- -D warnings
# The suites drive these binaries, which `cargo test` does not build for all of them.
suite step build cargo build --workspace --bins
suite cargo Rust cargo test --workspace --no-fail-fast -- --skip postgres:: --skip on_kubernetes:: --skip on_real_servers::
suite cargo PostgreSQL regression/make/with_postgres.sh cargo test --workspace --tests -- postgres::
suite cargo MCP regression/make/with_mcp.sh cargo test --package tools --test suite -- on_real_servers::
suite lines Python regression/make/with_mcp.sh regression/clients/python/run.sh
suite lines Node regression/make/with_mcp.sh regression/clients/node/run.sh
suite lines curl regression/regression_common.sh
suite step documentation env RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps
if cargo deny --version >/dev/null 2>&1; then
    # Advisories need a database from the network and change without a change here.
    suite step dependencies cargo deny check bans licenses sources
else
    skip dependencies 'cargo-deny is missing. To get it: cargo install cargo-deny'
fi

suite cargo Kubernetes regression/make/with_kube.sh cargo test --workspace --tests -- on_kubernetes::

conclude
