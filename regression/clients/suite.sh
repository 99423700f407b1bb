# Sourced by the run.sh of each client: folders, skipping, and the last line, `N passed, N failed, N skipped`.
# shellcheck shell=bash
set -euo pipefail
exec </dev/null

: "${HOME:?is not set, and packages go to its .cache/fairlead}"
cache=$HOME/.cache/fairlead
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# What is tested is on this machine, whatever proxy the environment names for the rest.
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost

# unavailable REASON COMMAND: says loudly that nothing was tested, and what would change that.
unavailable() {
    printf '\n*** NOTHING WAS TESTED: %s\n*** This would help: %s\n\n' "$1" "$2"
    echo '0 passed, 0 failed, 1 skipped'
    exit 0
}

# fingerprint FILE…: a name that changes with what is in them.
fingerprint() {
    cat "$@" | sha256sum | cut -c 1-16
}

# alone FOLDER: makes it, and waits for another run that is filling it.
alone() {
    mkdir -p "$1"
    if command -v flock >/dev/null; then
        exec 9>"$1/lock"
        flock 9
    fi
}

# conclude CODE PASSED FAILED SKIPPED: CODE is the runner's; a failure that nobody counted is one, and so is a run of nothing.
conclude() {
    local failed=$3
    ((failed > 0 || ($1 == 0 && $2 > 0))) || failed=1
    echo "$2 passed, $failed failed, $4 skipped"
    ((failed == 0))
}
