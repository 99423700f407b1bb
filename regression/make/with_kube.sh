#!/usr/bin/env bash
# with_kube.sh COMMAND…: runs it with FAIRLEAD_KUBE_ASSETS, the folder of a real API server's programs, which it may have to build.
# Where the variable is set, that folder is used. Exit code 77: there is none and none can be built.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly missing=3 unavailable=77

if ! command -v openssl >/dev/null; then
    say "no openssl, which makes the key of a cluster. To get it: apt-get install openssl"
    exit "$unavailable"
fi
if [[ -z ${FAIRLEAD_KUBE_ASSETS:-} ]]; then
    code=0
    FAIRLEAD_KUBE_ASSETS=$("$root/regression/kube/assets.sh") || code=$?
    ((code != missing)) || exit "$unavailable"
    ((code == 0)) || fail "regression/kube/assets.sh failed"
    export FAIRLEAD_KUBE_ASSETS
fi
"$@"
