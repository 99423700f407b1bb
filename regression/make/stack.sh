# Sourced after lib.sh: builds, starts and stops the demo model server and the proxy.
# shellcheck shell=bash

# A release build takes many minutes; nobody wants to wait for it to try something.
profile=${FAIRLEAD_PROFILE:-dev}
binaries=$CARGO_TARGET_DIR/${profile/#dev/debug}
proxy_binary=${FAIRLEAD_PROXY:-$binaries/fairlead-proxy}
model_binary=${FAIRLEAD_DEMO_MODEL:-$binaries/fairlead-demo-model}
quickstart_port=18080
model_pid='' proxy_pid=''

build_stack() {
    (cd "$root" && cargo build --profile "$profile" --package proxy --package regression --bins)
}

# quickstart_at PORT FOLDER: prints where the quickstart's objects are for a model server on PORT; if need be, a copy in FOLDER.
quickstart_at() {
    local source=$root/examples/quickstart file
    if [[ $1 == "$quickstart_port" ]]; then
        printf '%s' "$source"
        return
    fi
    mkdir -p "$2"
    for file in "$source"/*.yaml; do
        sed "s/127\.0\.0\.1:$quickstart_port/127.0.0.1:$1/" "$file" >"$2/${file##*/}"
    done
    printf '%s' "$2"
}

# start_model PORT LOG
start_model() {
    "$model_binary" --listen "127.0.0.1:$1" </dev/null >>"$2" 2>&1 &
    model_pid=$!
    await "$model_pid" "http://127.0.0.1:$1/v1/models" || died "the demo model server" "$2"
}

# start_proxy LISTEN ADMIN LOG ARGUMENT…
start_proxy() {
    local listen=$1 admin=$2 log=$3
    shift 3
    # No linger: nobody balances load in front of this proxy.
    "$proxy_binary" --listen "$listen" --admin-listen "$admin" --egress-allow-loopback \
        --drain-linger 0 --drain-deadline 5 "$@" </dev/null >>"$log" 2>&1 &
    proxy_pid=$!
    await "$proxy_pid" "http://$admin/readyz" || died "the proxy" "$log"
    await "$proxy_pid" "http://$listen/actuator/health" || died "the proxy" "$log"
}

# stop_proxy [SIGNAL]
stop_proxy() {
    [[ -z $proxy_pid ]] || stop "$proxy_pid" "${1:-TERM}"
    proxy_pid=''
}

stop_model() {
    [[ -z $model_pid ]] || stop "$model_pid"
    model_pid=''
}

# died NAME LOG: ends the script with the end of a log.
died() {
    say "--- the end of $2 ---"
    tail -n 20 "$2" >&2 || true
    fail "$1 does not run"
}
