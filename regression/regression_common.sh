#!/usr/bin/env bash
# The API from outside, with bash and curl. By default it starts the proxy with the demo model server, and stops both.
#
# FAIRLEAD_URL       a running server, for instance http://127.0.0.1:8080: it is only tested, never restarted
# FAIRLEAD_API_KEY   the bearer token of every request (unused)
# FAIRLEAD_PROVIDER, FAIRLEAD_MODEL      model names are PROVIDER@MODEL (demo@demo)
# FAIRLEAD_EMBEDDING_MODEL               (demo-embedding)
# FAIRLEAD_PROXY, FAIRLEAD_DEMO_MODEL    the binaries to start; those of cargo's folder without them
here=$(dirname "${BASH_SOURCE[0]}")
source "$here/make/lib.sh"
source "$here/make/stack.sh"
source "$here/make/check.sh"

url=${FAIRLEAD_URL:-}
url=${url%/}
key=${FAIRLEAD_API_KEY:-unused}
provider=${FAIRLEAD_PROVIDER:-demo}
model=$provider@${FAIRLEAD_MODEL:-demo}
embedding_model=${FAIRLEAD_EMBEDDING_MODEL:-demo-embedding}
named=(--header "x-model-provider: $provider")
scratch=$(mktemp -d)

finish() {
    local code=$?
    trap '' INT TERM HUP
    stop_proxy
    stop_model
    rm -rf "$scratch"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# (Re)starts the proxy on the same port with the same data.
launch() {
    start_proxy "127.0.0.1:$port" "127.0.0.1:$admin_port" "$scratch/proxy.log" --config "$config" --data-dir "$scratch/data"
}

begin() {
    local model_port
    [[ -x $proxy_binary && -x $model_binary ]] || build_stack
    free_ports model_port port admin_port
    url=http://127.0.0.1:$port
    config=$(quickstart_at "$model_port" "$scratch/config")
    start_model "$model_port" "$scratch/model.log"
    launch
}

# restart NAME SIGNAL
restart() {
    if [[ -n ${FAIRLEAD_URL:-} ]]; then
        skip 1 "$1" "FAIRLEAD_URL is given, so the server is not restarted"
        return
    fi
    stop_proxy "$2"
    launch
    send GET /actuator/health ''
    check "$1" 200 '^\{"status":"UP"\}$'
}

# At most 30 × 2 seconds, for a server that somebody else has just started.
wait_until_up() {
    local tries=30
    until answers "$url/actuator/health"; do
        ((--tries > 0)) || fail "$url/actuator/health does not answer"
        sleep 2
    done
}

[[ -n $url ]] || begin
wait_until_up
send GET /actuator/health ''
check 'health' 200 '^\{"status":"UP"\}$'
source "$here/common/state.sh"
source "$here/common/beyond.sh"
conclude
