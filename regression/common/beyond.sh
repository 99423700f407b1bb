# Sourced by regression_common.sh: what the original system's script did not look at.
# shellcheck shell=bash

parameters="{'type':'object','properties':{'city':{'type':'string'}},'required':['city'],'additionalProperties':false}"
tools="[{'type':'function','name':'get_weather','description':'The weather of a city.','parameters':$parameters,'strict':true}]"
question='Use the tool: how is the weather in Paris?'
envelope='^\{"error":\{"message":"[^"].*"type":"invalid_request_error".*"param":.*"code":'

# function_round NAME STREAM: the model calls, the client answers by the chain, the model tells.
function_round() {
    local rest="'stream':$2,'tools':$tools" id call
    send POST /v1/responses "{'model':'$model','input':'$question',$rest}"
    check "$1: the model calls the function" 200 '"type":"function_call"' '"name":"get_weather"' '"arguments":"\{[^}]*Paris'
    [[ $2 == false ]] || verify "$1: the arguments are streamed" test "$(events response.function_call_arguments.done)" = 1
    id=$(first id) call=$(first call_id)
    send POST /v1/responses "{'model':'$model','previous_response_id':'$id','input':[{'type':'function_call_output','call_id':'$call','output':'22 degrees'}],$rest}"
    check "$1: the model tells what it answered" 200 '"status":"completed"' '"text":"[^"]*22 degrees'
}
function_round 'function' false
function_round 'streamed function' true

# The floats of the last reply, a line each.
floats() {
    [[ $body =~ \"embedding\":\[([^]]*)\] ]] && tr ',' '\n' <<<"${BASH_REMATCH[1]}"
}

# same_numbers FILE FILE
same_numbers() {
    [[ -s $1 && -s $2 ]] && paste "$1" "$2" | awk 'NF != 2 || ($1 - $2) ^ 2 > 1e-12 { bad = 1 } END { exit bad }'
}

send POST /v1/embeddings "{'model':'$embedding_model','input':'a fox','encoding_format':'float'}"
check 'embeddings as floats' 200 '"object":"list"' '"embedding":\[-?[0-9]' '"total_tokens":[1-9]'
floats >"$scratch/floats" || true
send POST /v1/embeddings "{'model':'$embedding_model','input':'a fox','encoding_format':'base64'}"
check 'embeddings as base64' 200 '"embedding":"[A-Za-z0-9+/]+=*"'
first embedding | base64 -d 2>/dev/null | od -A n -v -t f4 -w4 --endian=little >"$scratch/decoded" || true
verify 'both are the same numbers' same_numbers "$scratch/floats" "$scratch/decoded"

send POST /v1/chat/completions "{'model':'$model','store':true,'metadata':{'suite':'common'},'messages':[{'role':'user','content':'Say hello'}]}"
check 'chat: a completion' 200 '"object":"chat.completion"' '"content":"[^"]' '"finish_reason":"stop"'
chat=$(first id)
send GET "/v1/chat/completions/$chat" ''
check 'chat: it is stored' 200 '"id":"'"$chat"'"' '"suite":"common"'
send GET "/v1/chat/completions/$chat/messages" ''
check 'chat: its messages are stored' 200 '^\{"object":"list"' '"content":"Say hello"'
send DELETE "/v1/chat/completions/$chat" ''
check 'chat: it can be deleted' 200 '"deleted":true'
send GET "/v1/chat/completions/$chat" ''
check 'chat: then it is gone' 404 "$envelope"
send POST /v1/chat/completions "{'model':'$model','stream':true,'messages':[{'role':'user','content':'Say hello'}]}"
check 'chat: a stream' 200 '^data: \{' '"object":"chat.completion.chunk"' 'data: \[DONE\]$'

send POST /v1/responses "{'model':"
check 'error: no JSON' 400 "$envelope"
send POST /v1/responses "{'input':'Hello'}"
check 'error: no model' 400 "$envelope" '"param":"model"'
send POST /v1/responses "{'model':'nobody-serves-this','input':'Hello'}"
check 'error: an unknown model' 404 "$envelope" '"code":"model_not_found"'
send POST /v1/responses "{'model':'nobody@demo','input':'Hello'}"
check 'error: an unknown provider' 404 "$envelope" '"code":"model_not_found"'
send POST /v1/responses "{'model':'some-model','input':'Hello'}" --header 'x-model-provider: nobody'
check 'error: an unknown provider in the header' 404 "$envelope" '"code":"model_not_found"'
send GET /v1/responses/resp_000000000000000000000000000000000000000000000000 ''
check 'error: an unknown response' 404 "$envelope"
send GET /v1/nothing ''
check 'error: an unknown path' 404 "$envelope" 'Invalid URL \(GET /v1/nothing\)'
send PUT /v1/responses "{}"
check 'error: a wrong method' 405 "$envelope"
