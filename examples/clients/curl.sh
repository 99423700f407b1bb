#!/usr/bin/env bash
# The API with curl: a response, streamed, chained; Chat Completions; Embeddings; an error.
set -euo pipefail

url=${FAIRLEAD_BASE_URL:-http://localhost:8080/v1}
model=${FAIRLEAD_MODEL:-demo}
embedding_model=${FAIRLEAD_EMBEDDING_MODEL:-demo-embedding}

# ask PATH BODY [CURL_OPTION…]
ask() {
    local path=$1 body=$2
    shift 2
    printf '\n# POST %s %s\n' "$path" "$body"
    curl --silent --show-error "$url$path" --header 'content-type: application/json' \
        --header "authorization: Bearer ${FAIRLEAD_API_KEY:-unused}" --data "$body" "$@"
    echo
}

first=$(ask /responses "{\"model\": \"$model\", \"input\": \"Hello from curl\"}")
echo "$first"

# The server keeps the conversation: the id is all that the next request needs of it.
id=$(grep --only-matching --max-count=1 '"id":"resp_[^"]*"' <<<"$first" | head -n 1 | cut -d '"' -f 4)
ask /responses "{\"model\": \"$model\", \"input\": \"And again\", \"previous_response_id\": \"$id\"}"

ask /responses "{\"model\": \"$model\", \"input\": \"In pieces\", \"stream\": true}" --no-buffer

ask /chat/completions "{\"model\": \"$model\", \"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}"

ask /embeddings "{\"model\": \"$embedding_model\", \"input\": \"a fox\"}"

# An unknown model is 404, and no key leaves.
ask /responses '{"model": "nobody@nothing", "input": "Hello"}'
