#!/usr/bin/env bash
# `make run`: the proxy on examples/quickstart, with the demo model server, in the foreground.
#
# FAIRLEAD_LISTEN (127.0.0.1:8080), FAIRLEAD_ADMIN (127.0.0.1:9090), FAIRLEAD_MODEL_PORT (18080), FAIRLEAD_PROFILE (dev; or release)
here=$(dirname "${BASH_SOURCE[0]}")
source "$here/lib.sh"
source "$here/stack.sh"

listen=${FAIRLEAD_LISTEN:-127.0.0.1:8080}
admin=${FAIRLEAD_ADMIN:-127.0.0.1:9090}
model_port=${FAIRLEAD_MODEL_PORT:-$quickstart_port}
scratch=$(mktemp -d)
logs=$cache/quickstart-logs
shown_pid=''

# A signal ends `wait`, its trap exits, and this stops everything in the order in which it depends.
finish() {
    local code=$?
    trap '' INT TERM HUP
    [[ -z $shown_pid ]] || stop "$shown_pid"
    stop_proxy
    stop_model
    rm -rf "$scratch"
    exit "$code"
}
trap finish EXIT
trap 'say; say "Stopping"; exit 0' INT TERM
trap 'exit 129' HUP

# need_free ADDRESS VARIABLE EXAMPLE
need_free() {
    is_taken "$1" || return 0
    fail "$1 is taken. Choose another with $2, for instance: $2=$3 make run"
}

# The lines that a newcomer copies.
invite() {
    local json="-H 'content-type: application/json'"
    cat <<END

Fairlead answers on http://$listen/v1; health, metrics and status are on http://$admin. Try:

  curl http://$listen/v1/responses $json -d '{"model": "demo", "input": "Hello"}'

  curl -N http://$listen/v1/responses $json -d '{"model": "demo", "input": "Hello again", "stream": true}'

  curl http://$listen/v1/chat/completions $json -d '{"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}'

More is in examples/clients. The model is no language model, it follows fixed rules. State is kept in $cache/quickstart-data.
The proxy reads examples/quickstart again when you change it. Ctrl-C stops everything.

END
}

need_free "$listen" FAIRLEAD_LISTEN 127.0.0.1:8081
need_free "$admin" FAIRLEAD_ADMIN 127.0.0.1:9091
need_free "127.0.0.1:$model_port" FAIRLEAD_MODEL_PORT 18081
"$here/setup.sh"
build_stack

mkdir -p "$logs"
: >"$logs/proxy.log"
: >"$logs/model.log"
config=$(quickstart_at "$model_port" "$scratch/config")
start_model "$model_port" "$logs/model.log"
start_proxy "$listen" "$admin" "$logs/proxy.log" --config "$config" --data-dir "$cache/quickstart-data" --log-format text
invite
tail -n 0 -f "$logs/proxy.log" &
shown_pid=$!

# Neither should end. Not `wait -n`: Ctrl-C reaches them too, and where one is gone first bash may skip the trap.
while kill -0 "$proxy_pid" 2>/dev/null && kill -0 "$model_pid" 2>/dev/null; do
    sleep 1 &
    wait $! || true
done
if kill -0 "$proxy_pid" 2>/dev/null; then
    died "the demo model server" "$logs/model.log"
fi
died "the proxy" "$logs/proxy.log"
