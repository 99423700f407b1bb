# Sourced by the scripts beside it: folders, messages, ports, processes.
# shellcheck shell=bash
set -euo pipefail
# Nothing here asks anything, and CI closes standard input.
exec </dev/null

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${HOME:?is not set, and caches go to its .cache/fairlead}"
cache=$HOME/.cache/fairlead
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
# rustup puts cargo where only login shells look.
export PATH=$PATH:$HOME/.cargo/bin

say() {
    printf '%s\n' "$*" >&2
}

fail() {
    say "error: $*"
    exit 1
}

# is_taken ADDRESS: somebody answers there.
is_taken() {
    local host=${1%:*} port=${1##*:}
    host=${host#[}
    (exec 3<>"/dev/tcp/${host%]}/$port") 2>/dev/null
}

# free_ports NAME…: sets each variable to another port of 127.0.0.1 where nobody listens, from below those that the kernel hands out.
# Not by printing: each subshell of bash begins RANDOM anew, and two may begin alike.
free_ports() {
    local name candidate=$((10000 + RANDOM % 20000))
    for name; do
        while is_taken "127.0.0.1:$candidate"; do
            candidate=$((candidate + 1))
        done
        printf -v "$name" '%s' "$candidate"
        candidate=$((candidate + 1))
    done
}

# answers URL: it answers 2xx.
answers() {
    curl --silent --fail --max-time 2 --output /dev/null "$1"
}

# await PID URL: waits until the process answers there, for a minute at most.
await() {
    local end=$((SECONDS + 60))
    until answers "$2"; do
        kill -0 "$1" 2>/dev/null || return 1
        ((SECONDS < end)) || return 1
        sleep 0.1
    done
}

# stop PID [SIGNAL]: ends a child of this shell, by force if it is still there after ten seconds.
stop() {
    local pid=$1 end=$((SECONDS + 10))
    kill "-${2:-TERM}" "$pid" || true
    while kill -0 "$pid"; do
        ((SECONDS < end)) || kill -KILL "$pid" || true
        sleep 0.05
    done
    wait "$pid" || true
} 2>/dev/null
