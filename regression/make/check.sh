# Sourced by the regression scripts: requests by curl, checks, counts.
# shellcheck shell=bash

passed=0 failed=0 skipped=0
# Of the last reply.
status='' body=''

# send METHOD PATH BODY [CURL_OPTION…]: a request; 10 seconds are the most that any may take. BODY is JSON with ' for ", or empty.
send() {
    local method=$1 path=$2 data=${3//\'/\"}
    shift 3
    [[ -z $data ]] || set -- --header 'content-type: application/json' --data-binary "$data" "$@"
    : >"$scratch/body"
    status=$(curl --silent --show-error --no-buffer --max-time 10 --output "$scratch/body" --write-out '%{http_code}' \
        --request "$method" --header "authorization: Bearer $key" "$@" "$url$path") || status="$status (curl failed)"
    body=$(<"$scratch/body")
}

# verdict NAME PROBLEM: passed where there is none.
verdict() {
    if [[ -z $2 ]]; then
        passed=$((passed + 1))
        echo "PASS  $1"
    else
        failed=$((failed + 1))
        printf 'FAIL  %s: %s\n      status %s, body: %.600s\n' "$1" "$2" "$status" "$body"
    fi
}

# check NAME STATUS PATTERN…: the last reply's status, and what its body matches; with `!` before it, what it must not match.
check() {
    local name=$1 wanted=$2 pattern problem=''
    shift 2
    [[ $status == "$wanted" ]] || problem="status $status instead of $wanted"
    for pattern; do
        if [[ $pattern == !* ]]; then
            [[ ! $body =~ ${pattern#!} ]] || problem+="${problem:+, }a match for ${pattern#!}"
        else
            [[ $body =~ $pattern ]] || problem+="${problem:+, }no match for $pattern"
        fi
    done
    verdict "$name" "$problem"
}

# verify NAME COMMAND…: passed if the command succeeds.
verify() {
    local name=$1 problem=''
    shift
    "$@" || problem="not so: $*"
    verdict "$name" "$problem"
}

# skip COUNT NAME REASON
skip() {
    skipped=$((skipped + $1))
    echo "SKIP  $2: $3"
}

# first KEY: the first string of that key in the last reply.
first() {
    [[ ! $body =~ \"$1\":\"([^\"]*)\" ]] || printf '%s' "${BASH_REMATCH[1]}"
}

# How many events of a type the last reply has.
events() {
    grep -c "^event: $1\$" "$scratch/body" || true
}

last_event() {
    sed -n 's/^event: //p' "$scratch/body" | tail -n 1
}

conclude() {
    echo "$passed passed, $failed failed, $skipped skipped"
    ((failed == 0 && passed > 0))
}
