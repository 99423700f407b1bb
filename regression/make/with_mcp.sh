#!/usr/bin/env bash
# with_mcp.sh COMMAND…: runs it with real MCP servers, which it installs into the cache once: FAIRLEAD_MCP_EVERYTHING, the program
# of server-everything for Node, FAIRLEAD_MCP_CONFORMANCE, the folder of the packages with the conformance suite and the Node that
# it needs, and FAIRLEAD_MCP_PYTHON, a Python that has the SDK. What is set already is used.
# Exit code 77: there is none of them and none can be installed.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly unavailable=77
parts=$root/regression/mcp

# alone FOLDER: makes it, and waits for another run that is filling it.
alone() {
    mkdir -p "$1"
    exec 9>"$1/lock"
    flock 9
}

# fingerprint FILE…: a name that changes with what is in them.
fingerprint() {
    cat "$@" | sha256sum | cut -c 1-16
}

install_everything() {
    local folder
    command -v npm >/dev/null && node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' || return 1
    folder=$cache/mcp/node-$(fingerprint "$parts/package.json" "$parts/package-lock.json")
    alone "$folder"
    if [[ ! -e $folder/complete ]]; then
        say "Installing server-everything and the conformance suite in $folder; only once"
        cp "$parts/package.json" "$parts/package-lock.json" "$folder"
        (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >&2 9>&- || return 1
        touch "$folder/complete"
    fi
    export FAIRLEAD_MCP_EVERYTHING=$folder/node_modules/@modelcontextprotocol/server-everything/dist/index.js
    export FAIRLEAD_MCP_CONFORMANCE=$folder/node_modules
}

install_python() {
    local name python='' folder
    for name in "${PYTHON:-python3}" python3.{14..10}; do
        if "$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            python=$name
            break
        fi
    done
    [[ -n $python ]] || return 1
    folder=$cache/mcp/python-$(fingerprint "$parts/requirements.txt" <("$python" --version))
    alone "$folder"
    if [[ ! -e $folder/complete ]]; then
        say "Installing the MCP SDK for Python in $folder; half a minute, and only once"
        "$python" -m venv --clear "$folder/venv" >&2 9>&- || return 1
        "$folder/venv/bin/python" -m pip install --quiet --no-input --requirement "$parts/requirements.txt" >&2 9>&- || return 1
        touch "$folder/complete"
    fi
    export FAIRLEAD_MCP_PYTHON=$folder/venv/bin/python
}

[[ -n ${FAIRLEAD_MCP_EVERYTHING:-} ]] || install_everything ||
    say "=== There is no server-everything for the tests. To get it: apt-get install nodejs npm (Node.js 20 or newer)"
[[ -n ${FAIRLEAD_MCP_PYTHON:-} ]] || install_python ||
    say "=== There is no MCP SDK for Python for the tests. To get it: apt-get install python3 python3-venv (3.10 or newer)"
exec 9>&-
[[ -n ${FAIRLEAD_MCP_EVERYTHING:-}${FAIRLEAD_MCP_PYTHON:-} ]] || exit "$unavailable"
"$@"
