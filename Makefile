# Thin on purpose: what the targets do stands in regression/make/*.sh. Nothing is written into the clone.

CARGO_TARGET_DIR ?= $(HOME)/.cache/fairlead/target
export CARGO_TARGET_DIR

.PHONY: help run test bench fmt lint

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Start the proxy with the demo model server and print what to try; Ctrl-C stops both
	@regression/make/run.sh

test: ## Run everything that CI runs; the last line counts
	@regression/make/test.sh

bench: ## Measure beside a bare pingora proxy
	@regression/make/bench.sh

fmt: ## Format the Rust code
	cargo fmt --all

lint: ## Check format and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
