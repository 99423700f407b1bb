# Sourced by regression_common.sh: the steps of the original system's script, by its numbers. Files and vector stores are not served yet.
# shellcheck shell=bash

spoken='"type":"output_text",[^{}]*"text":"[^"]'
input="[{'type':'message','role':'user','content':'Remember the word heliotrope'}]"

send POST /v1/responses "{'model':'$model','stream':false,'input':$input}" "${named[@]}"
check '1 a response' 200 '^\{"id":"resp_' '"status":"completed"' "$spoken"

send POST /v1/responses "{'model':'$model','stream':true,'input':$input}" "${named[@]}"
check '2 a streamed response' 200 '"type":"response.output_text.delta"' "$spoken"
verify '2 it comes in several pieces' test "$(events response.output_text.delta)" -gt 1
verify '2 it ends with response.completed' test "$(last_event)" = response.completed

skip 6 '3 to 8 upload, read, list and delete files' 'files are not served in this version'

restart '9 a restart with the same data' TERM
send POST /v1/responses "{'model':'$model','store':true,'input':$input}" "${named[@]}"
check '9 a stored response' 200 '"status":"completed"' '"store":true'

own_id=3f0c7c1e-51a5-4c2b-9d2e-0d7c6a1b2f44
send POST /v1/responses "{'id':'$own_id','model':'$model','store':true,'input':$input}" "${named[@]}"
check '10 an unknown field is accepted, the id is our own' 200 '^\{"id":"resp_' "!$own_id"
id=$(first id)
send GET "/v1/responses/$id" '' "${named[@]}"
check '10 it can be read' 200 '^\{"id":"'"$id"'"' "$spoken"
before=$body

send GET "/v1/responses/$id" '' "${named[@]}"
check '11 it can be read again' 200
verify '11 it is the same' test "$body" = "$before"
# What was completed has to be there after the hardest of ends.
restart '11 a restart after SIGKILL' KILL
send GET "/v1/responses/$id" '' "${named[@]}"
check '11 it can still be read' 200
verify '11 it is still the same' test "$body" = "$before"

send GET "/v1/responses/$id/input_items" '' "${named[@]}"
check '12 its input items are the message of the user' 200 '^\{"object":"list"' '"role":"user"' '"text":"Remember the word heliotrope"'

send POST /v1/responses "{'model':'$model','input':'Which word did I ask you to remember?','previous_response_id':'$id'}" "${named[@]}"
check '13 the model sees the turn before' 200 '"previous_response_id":"'"$id"'"' "$spoken"'[^"]*heliotrope'

send DELETE "/v1/responses/$id" '' "${named[@]}"
check '14 it can be deleted' 200 '"id":"'"$id"'"' '"deleted":true'
send GET "/v1/responses/$id" '' "${named[@]}"
check '14 then it is gone' 404 '"error":\{'

skip 6 '15 to 20 vector stores and file_search' 'vector stores are not served in this version'
