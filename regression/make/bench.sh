#!/usr/bin/env bash
# `make bench`: see regression/bench/README.md for its variables.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$root/regression/make/setup.sh"
exec "$root/regression/bench/run.sh" "$@"
