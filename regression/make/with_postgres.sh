#!/usr/bin/env bash
# with_postgres.sh COMMAND…: runs it with FAIRLEAD_TEST_POSTGRES_URL of a throw-away PostgreSQL.
# Where the variable is set, that server is used. Exit code 77: there is no PostgreSQL and none can be installed.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly nobody=65534 unavailable=77
scratch=''

# The folder of the newest version's programs.
programs() {
    local folder
    folder=$(find /usr/lib/postgresql/*/bin -name initdb -printf '%h\n' 2>/dev/null | sort -V | tail -n 1)
    [[ -z $folder ]] || { printf '%s' "$folder" && return; }
    folder=$(command -v initdb) || return 1
    dirname "$folder"
}

# Debian's package would start a server of its own on 5432, so it is told not to make one.
install() {
    local settings=/etc/postgresql-common/createcluster.conf
    [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || return 1
    say "Installing PostgreSQL"
    export DEBIAN_FRONTEND=noninteractive
    {
        apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql-common &&
            sed -i 's/^#\?create_main_cluster .*/create_main_cluster = false/' "$settings" &&
            apt-get install -y -qq --no-install-recommends postgresql
    } </dev/null >&2
}

# The server refuses to run as root.
unprivileged() {
    if [[ $(id -u) == 0 ]]; then
        setpriv --reuid "$nobody" --regid "$nobody" --clear-groups "$@"
    else
        "$@"
    fi
}

finish() {
    local code=$?
    trap '' INT TERM HUP
    if [[ -n $scratch ]]; then
        unprivileged "$bin/pg_ctl" stop --pgdata "$scratch/data" --mode immediate --silent || true
        rm -rf "$scratch"
    fi
    exit "$code"
}

start() {
    local port
    scratch=$(mktemp -d)
    cd "$scratch"
    [[ $(id -u) != 0 ]] || chown "$nobody:$nobody" "$scratch"
    unprivileged "$bin/initdb" --pgdata "$scratch/data" --auth trust --username fairlead --encoding UTF8 --locale C \
        --no-sync >"$scratch/initdb.log" 2>&1 || { cat "$scratch/initdb.log" >&2 && fail "initdb failed"; }
    free_ports port
    unprivileged "$bin/pg_ctl" start --wait --silent --pgdata "$scratch/data" --log "$scratch/log" \
        --options "-p $port -k $scratch -c listen_addresses=127.0.0.1 -c fsync=off" </dev/null ||
        { cat "$scratch/log" >&2 && fail "PostgreSQL does not start"; }
    export FAIRLEAD_TEST_POSTGRES_URL=postgres://fairlead@127.0.0.1:$port/postgres
    say "PostgreSQL of $bin on port $port"
}

folder=$PWD
if [[ -z ${FAIRLEAD_TEST_POSTGRES_URL:-} ]]; then
    if ! bin=$(programs) && ! { install && bin=$(programs); }; then
        say "no PostgreSQL. To get it: apt-get install postgresql, or name a server in FAIRLEAD_TEST_POSTGRES_URL"
        exit "$unavailable"
    fi
    trap finish EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    start
fi
cd "$folder"
"$@"
