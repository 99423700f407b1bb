#!/usr/bin/env bash
# Finds what a build needs: Rust, a C compiler, make and cmake (zlib and jemalloc are C), curl. As root on Debian it installs what is missing.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust() {
    if ! command -v cargo >/dev/null; then
        fail "Rust is missing. Install rustup (https://rustup.rs), open a new shell, and run this again."
    fi
    # In the clone, so that rustup reads rust-toolchain.toml and installs that version.
    if ! (cd "$root" && cargo --version >/dev/null); then
        fail "cargo does not start. With rustup, \`rustup toolchain install\` in this folder installs the version of rust-toolchain.toml."
    fi
}

# The Debian packages of what is not there.
missing() {
    command -v cc >/dev/null || printf 'gcc libc6-dev '
    command -v make >/dev/null || printf 'make '
    command -v cmake >/dev/null || printf 'cmake '
    command -v curl >/dev/null || printf 'curl ca-certificates '
}

need_packages() {
    local packages
    read -ra packages <<<"$(missing)"
    ((${#packages[@]})) || return 0
    if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
        fail "missing: ${packages[*]}. On Debian or Ubuntu: sudo apt-get install ${packages[*]}"
    fi
    say "Installing ${packages[*]}"
    apt-get update -qq </dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" </dev/null
}

# Tests know the folder that they were built in, and cargo does not build them again for another clone that shares the build folder.
own_packages() {
    local stamp=$CARGO_TARGET_DIR/checkout
    mkdir -p "$CARGO_TARGET_DIR"
    [[ $(cat "$stamp" 2>/dev/null) != "$root" ]] || return 0
    (cd "$root" && cargo clean --quiet --workspace && cargo clean --quiet --workspace --release)
    printf '%s\n' "$root" >"$stamp"
}

need_packages
need_rust
own_packages
