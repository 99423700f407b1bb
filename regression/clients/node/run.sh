#!/usr/bin/env bash
# Drives the built proxy with openai for Node and the Agents SDK, and real MCP servers where with_mcp.sh names them. Arguments go to
# `node --test`. FAIRLEAD_PROXY and FAIRLEAD_DEMO_MODEL name the binaries; without them those of cargo's debug folder are taken.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../suite.sh
source "$here/../suite.sh"

is_new_enough() {
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2>/dev/null
}

# install FOLDER
install() {
    [[ ! -e $1/complete ]] || return 0
    cp "$here/package.json" "$here/package-lock.json" "$1"
    echo "Installing the packages of package-lock.json in $1; only once"
    (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) || return 1
    touch "$1/complete"
}

# count WORD: a number of the summary that `node --test` writes.
count() {
    awk -v word="$1" '$1 == "#" && $2 == word { found = $3 } END { print found + 0 }' "$scratch/report.tap"
}

is_new_enough || unavailable 'there is no Node.js 20 or newer' 'apt-get install nodejs npm'
command -v npm >/dev/null || unavailable 'there is no npm' 'apt-get install npm'
folder=$cache/node/$(fingerprint "$here/package.json" "$here/package-lock.json")
alone "$folder"
install "$folder" || unavailable 'the packages could not be installed' "cd $folder && npm ci"
exec 9>&-

# Modules are looked for in the folders above a file, so the tests run from a copy beside the packages.
copy=$(mktemp -d "$folder/run.XXXXXX")
trap 'rm -rf "$copy" "$scratch"' EXIT
cp "$here"/*.mjs "$here"/../mcp.yaml "$here"/../../mcp/*.py "$copy"
code=0
cd "$copy"
node --test --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=tap --test-reporter-destination="$scratch/report.tap" "$@" ./*.test.mjs || code=$?
conclude "$code" "$(count pass)" "$(($(count fail) + $(count cancelled)))" "$(($(count skipped) + $(count todo)))"
