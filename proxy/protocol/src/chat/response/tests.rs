use serde_json::json;

use super::*;

/// A finished response with these items.
pub(crate) fn finished(status: &str, output: &Value) -> Response {
    let mut whole = json!({
        "id": "resp_1", "object": "response", "created_at": 7, "status": status, "background": false,
        "model": "m", "output": output, "parallel_tool_calls": true, "reasoning": {}, "service_tier": "default",
        "store": false, "temperature": 1.0, "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [],
        "top_logprobs": 0, "top_p": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0, "truncation": "disabled",
        "usage": {"input_tokens": 3, "input_tokens_details": {"cached_tokens": 1}, "output_tokens": 2,
                  "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 5},
        "metadata": {},
    });
    if status == "incomplete" {
        whole["incomplete_details"] = json!({"reason": "max_output_tokens"});
    }
    serde_json::from_value(whole).unwrap()
}

fn said(text: &str, annotations: &Value) -> Value {
    let part = json!({"type": "output_text", "annotations": annotations, "logprobs": [], "text": text});
    json!({"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part]})
}

#[test]
fn a_turn_becomes_one_message() {
    let url = json!({"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1});
    let file = json!({"type": "file_citation", "file_id": "f", "filename": "n", "index": 1});
    let output = json!([
        {"id": "rs_1", "type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
        said("é", &json!([url])),
        {"id": "fs_1", "type": "file_search_call", "status": "completed", "queries": ["q"], "results": null},
        said("b", &json!([file])),
    ]);
    let completion = Completion::of(&finished("completed", &output), "chatcmpl-1", false);
    let expected = concat!(
        r#"{"id":"chatcmpl-1","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,"message":"#,
        r#"{"role":"assistant","content":"é\n\nb","refusal":null,"annotations":["#,
        r#"{"type":"url_citation","url_citation":{"url":"u","title":"t","start_index":0,"end_index":1}},"#,
        r#"{"type":"file_citation","file_citation":{"file_id":"f","filename":"n","index":4}}],"#,
        r#""reasoning_content":"hm"},"logprobs":null,"finish_reason":"stop"}],"#,
        r#""usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"#,
        r#""prompt_tokens_details":{"cached_tokens":1,"cache_write_tokens":0,"audio_tokens":0},"#,
        r#""completion_tokens_details":{"reasoning_tokens":1,"audio_tokens":0,"accepted_prediction_tokens":0,"#,
        r#""rejected_prediction_tokens":0}},"service_tier":"default"}"#,
    );
    assert_eq!(serde_json::to_string(&completion).unwrap(), expected);
    assert_eq!(serde_json::from_str::<Completion>(expected).unwrap(), completion);
}

#[test]
fn only_the_clients_calls_show() {
    let output = json!([
        {"id": "mcp_1", "type": "mcp_call", "status": "completed", "server_label": "l", "name": "x", "arguments": "{}"},
        {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"id": "ctc_1", "type": "custom_tool_call", "status": "completed", "call_id": "c2", "name": "g", "input": "i"},
    ]);
    let response = finished("completed", &output);
    let choice = serde_json::to_value(&Completion::of(&response, "c", false).choices[0]).unwrap();
    assert_eq!(choice["finish_reason"], "tool_calls");
    let message = json!({"role": "assistant", "content": null, "refusal": null, "annotations": [], "tool_calls": [
        {"type": "function", "id": "c1", "function": {"name": "f", "arguments": "{}"}},
        {"type": "custom", "id": "c2", "custom": {"name": "g", "input": "i"}},
    ]});
    assert_eq!(choice["message"], message);
    let choice = serde_json::to_value(&Completion::of(&response, "c", true).choices[0]).unwrap();
    assert_eq!(choice["finish_reason"], "function_call");
    assert_eq!(choice["message"]["function_call"], json!({"name": "f", "arguments": "{}"}));
    assert_eq!(choice["message"].get("tool_calls"), None);
}

#[test]
fn a_limit_is_a_length() {
    let response = finished("incomplete", &json!([said("a", &json!([]))]));
    assert_eq!(Completion::of(&response, "c", false).choices[0].finish_reason, FinishReason::Length);
}
