#!/usr/bin/env bash
# Drives the built proxy with openai-python and the Agents SDK, and real MCP servers where with_mcp.sh names them. Arguments go to
# pytest. FAIRLEAD_PROXY and FAIRLEAD_DEMO_MODEL name the binaries; without them those of cargo's debug folder are taken.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../suite.sh
source "$here/../suite.sh"
export PYTHONDONTWRITEBYTECODE=1

# The first Python that is new enough and can make virtual environments.
find_python() {
    local name
    for name in "${PYTHON:-python3}" python3.{14..10}; do
        if "$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            printf '%s' "$name"
            return
        fi
    done
    return 1
}

# install PYTHON FOLDER
install() {
    local requirements=$here/requirements.txt
    [[ ! -e $2/complete ]] || return 0
    echo "Making a virtual environment with $("$1" --version) in $2"
    "$1" -m venv --clear "$2/venv" || return 1
    echo "Installing $(tr '\n' ' ' <"$requirements")and what they need; a minute, and only once"
    "$2/venv/bin/python" -m pip install --quiet --no-input --requirement "$requirements" || return 1
    touch "$2/complete"
}

# Prints passed, failed and skipped of a JUnit report; errors are failures.
counts() {
    "$python" - "$1" <<'END'
import sys
from xml.etree import ElementTree

suites = list(ElementTree.parse(sys.argv[1]).getroot().iter("testsuite"))
total = lambda *names: sum(int(suite.get(name)) for suite in suites for name in names)
failed, skipped = total("failures", "errors"), total("skipped")
print(total("tests") - failed - skipped, failed, skipped)
END
}

system=$(find_python) || unavailable 'there is no Python 3.10 or newer with venv' 'apt-get install python3 python3-venv'
folder=$cache/venv/$(fingerprint "$here/requirements.txt" <("$system" --version))
alone "$folder"
install "$system" "$folder" || unavailable 'the packages could not be installed' \
    "$system -m pip install --requirement $here/requirements.txt"
exec 9>&-

python=$folder/venv/bin/python
code=0
cd "$here"
"$python" -m pytest --basetemp="$scratch/pytest" --junitxml="$scratch/report.xml" "$@" || code=$?
read -r passed failed skipped < <(counts "$scratch/report.xml" 2>/dev/null || echo 0 0 0)
conclude "$code" "$passed" "$failed" "$skipped"
