# Sourced after lib.sh: runs suites one after the other, shows their output as it comes, and counts.
# shellcheck shell=bash

# Longer than a cold build on two cores; a suite that hangs ends here.
suite_seconds=${FAIRLEAD_SUITE_SECONDS:-2400}
readonly unavailable=77
passed=0 failed=0 skipped=0
table=''
group=''
background=''
scratch=$(mktemp -d)

trap 'end_background; rm -rf "$scratch"' EXIT
trap 'end_group; exit 130' INT
trap 'end_group; exit 143' TERM HUP

# group_lives: zombies do not count, since in a container there may be nobody who reaps them.
group_lives() {
    { cat /proc/[0-9]*/stat 2>/dev/null || true; } |
        awk -v group="$group" '{ sub(/.*\) /, "") } $1 != "Z" && $3 == group { found = 1 } END { exit !found }'
}

# Ends what is left of a suite, by force after ten seconds: it may have servers to stop.
end_group() {
    local end=$((SECONDS + 10))
    [[ -n $group ]] || return 0
    kill -TERM -- "-$group" 2>/dev/null || true
    while group_lives && ((SECONDS < end)); do
        sleep 0.1
    done
    kill -KILL -- "-$group" 2>/dev/null || true
    group=''
}

# beside COMMAND…: runs, quietly and until the end of the suites, what a later one would else wait for. It has a session of its own
# because the kernel may share the processors among sessions first: this one gets what the suites leave.
beside() {
    # shellcheck disable=SC2016 # the inner shell is meant
    setsid bash -c '{ echo 19 >/proc/$$/autogroup; } 2>/dev/null; exec "$@"' beside "$@" </dev/null >/dev/null 2>&1 &
    background=$!
}

end_background() {
    [[ -z $background ]] || kill -TERM -- "-$background" 2>/dev/null || true
}

# row NAME RESULT SECONDS PASSED FAILED SKIPPED
row() {
    passed=$((passed + $4)) failed=$((failed + $5)) skipped=$((skipped + $6))
    table+=$(printf '%-16s %-8s %6s %7s %7s %8s' "$@")$'\n'
}

# counts KIND CODE: prints how many tests passed, failed and were skipped.
counts() {
    local line='^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$'
    case $1:$2 in
    *:"$unavailable") echo 0 0 1 ;;
    step:0) echo 1 0 0 ;;
    step:*) echo 0 1 0 ;;
    cargo:*) awk '/^test result: / { p += $4; f += $6; s += $8 } END { print p + 0, f + 0, s + 0 }' "$scratch/output" ;;
    lines:*) { grep -E "$line" "$scratch/output" || echo 0 0 0; } | tail -n 1 | tr -cd '0-9 \n' ;;
    esac
}

# suite KIND NAME COMMAND…: KIND says how it counts: `step` as one test, `cargo` by cargo's result lines, `lines` by its last
# line `N passed, N failed, N skipped`. Exit code 77: there was nothing to run it with, and it has said so.
suite() {
    local kind=$1 name=$2 begin=$SECONDS code=0 shown good bad left result=ok
    shift 2
    printf '\n==> %s: %s\n' "$name" "$*"
    : >"$scratch/output"
    # A session of its own, so that its processes are one group and nothing of it stays behind.
    setsid timeout --kill-after=30 "$suite_seconds" "$@" </dev/null >"$scratch/output" 2>&1 &
    group=$!
    tail -n +1 -f --sleep-interval=0.2 --pid="$group" "$scratch/output" &
    shown=$!
    wait "$group" || code=$?
    wait "$shown" || true
    end_group
    read -r good bad left <<<"$(counts "$kind" "$code")"
    # A failure that nobody counted is one, and so is a suite that ran nothing.
    ((bad > 0 || code == 0 || code == unavailable)) || bad=1
    ((good + bad + left > 0)) || bad=1
    ((good > 0)) || result=SKIPPED
    ((bad == 0)) || result=FAILED
    ((code != 124)) || echo "$name did not end within $suite_seconds seconds"
    row "$name" "$result" "$((SECONDS - begin))" "$good" "$bad" "$left"
}

# skip NAME REASON
skip() {
    printf '\n==> %s: SKIPPED, %s\n' "$1" "$2"
    row "$1" SKIPPED 0 0 0 1
}

# Prints the table and, last, the count; fails if anything failed or nothing ran.
conclude() {
    printf '\n%-16s %-8s %6s %7s %7s %8s\n%s\n' suite result seconds passed failed skipped "$table"
    echo "$passed passed, $failed failed, $skipped skipped"
    ((failed == 0 && passed > 0))
}
