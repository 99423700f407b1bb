#!/usr/bin/env bash
# Prints, as its last line, the folder of the programs of a real API server: the one that KUBEBUILDER_ASSETS names, the one in
# PATH, the cache, or else the cache after it has built them there from Go modules (once; ten minutes on two idle cores).
# Exit code 3: there are none and they cannot be built; it has said why, and what would help.
source "$(dirname "${BASH_SOURCE[0]}")/../make/lib.sh"

readonly programs=(etcd kube-apiserver kubectl) unavailable=3
module=$root/regression/kube
version=$(awk '$1 == "k8s.io/kubernetes" { print substr($2, 2); exit }' "$module/go.mod")
folder=$cache/kube/$version
log=$folder/build.log
# Where Go is unpacked by its own instructions.
export PATH=$PATH:/usr/local/go/bin

# has_all FOLDER
has_all() {
    local program
    for program in "${programs[@]}"; do
        [[ -x $1/$program ]] || return 1
    done
}

# found FOLDER: the end, with that folder.
found() {
    say "API server: $("$1/kube-apiserver" --version), of $1"
    (cd "$1" && pwd)
    exit 0
}

# give_up REASON
give_up() {
    say "=== There is no API server for the tests: $1"
    say "=== To get one, install Go $(wanted_go) or later and run: regression/kube/assets.sh"
    say "=== or name a folder with ${programs[*]} in KUBEBUILDER_ASSETS; this prints one:"
    say "===   go run sigs.k8s.io/controller-runtime/tools/setup-envtest@latest use ${version%.*} -p path"
    exit "$unavailable"
}

wanted_go() {
    awk '$1 == "go" { print $2; exit }' "$module/go.mod"
}

need_go() {
    local have
    command -v go >/dev/null || give_up "Go is missing"
    # In the module, where Go may fetch the version that it asks for.
    have=$(cd "$module" && go env GOVERSION 2>&1) || give_up "Go does not start: $have"
    have=${have#go}
    [[ $(printf '%s\n' "$(wanted_go)" "$have" | sort -V | head -n 1) == "$(wanted_go)" ]] ||
        give_up "Go $have is too old"
}

# build PROGRAM PACKAGE MINUTES
build() {
    local begin=$SECONDS stamp=k8s.io/component-base/version
    local flags="-s -w -X $stamp.gitVersion=v$version -X $stamp.gitMajor=${version%%.*} -X $stamp.gitMinor=$(cut -d. -f2 <<<"$version")"
    [[ ! -x $folder/$1 ]] || return 0
    say "Building $1 from Go modules, about $3 min on two idle cores; once, for $folder"
    (cd "$module" && nice -n 10 go build -p 2 -mod=readonly -modcacherw -trimpath -ldflags "$flags" -o "$folder/$1.part" "$2") \
        9>&- >>"$log" 2>&1 || { tail -n 20 "$log" >&2 && give_up "$1 does not build; all of it is in $log"; }
    mv "$folder/$1.part" "$folder/$1"
    say "Built $1 in $((SECONDS - begin)) s"
}

build_all() {
    mkdir -p "$folder"
    exec 9>"$folder/lock"
    flock --nonblock 9 || { say "Waiting for the build that goes on elsewhere: $log" && flock 9; }
    has_all "$folder" && return
    need_go
    : >"$log"
    # The system's compiler and the caller's flags have no part in it.
    export CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOWORK=off GOMAXPROCS=2
    export GOCACHE=$cache/go/build GOMODCACHE=$cache/go/mod
    build etcd go.etcd.io/etcd/server/v3 1
    build kubectl k8s.io/kubernetes/cmd/kubectl 2
    build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver 5
}

if [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
    ! has_all "$KUBEBUILDER_ASSETS" || found "$KUBEBUILDER_ASSETS"
    say "KUBEBUILDER_ASSETS is $KUBEBUILDER_ASSETS, which lacks one of ${programs[*]}: looking elsewhere"
fi
if in_path=$(command -v kube-apiserver) && has_all "${in_path%/*}"; then
    found "${in_path%/*}"
fi
has_all "$folder" || build_all
found "$folder"
