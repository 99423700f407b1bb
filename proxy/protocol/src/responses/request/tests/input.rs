use super::*;

/// The first item of `input`, as it is written back.
fn normalised(item: Value) -> Value {
    let input = Value::Array(vec![item]);
    serde_json::to_value(&accepted(json!({"input": input})).input[0]).unwrap()
}

/// `code param` of the refusal of an item.
fn refusal(item: Value) -> (String, String, String) {
    let input = Value::Array(vec![item]);
    let error = parsed(json!({"input": input})).unwrap_err();
    assert_eq!(error.status, 400);
    (error.code.unwrap_or_default(), error.param.unwrap_or_default(), error.message)
}

#[test]
fn tolerated_forms_become_the_canonical_ones() {
    let text = json!([{"type": "input_text", "text": "a"}]);
    let said = json!([{"type": "output_text", "annotations": [], "logprobs": [], "text": "a"}]);
    let table = [
        (
            json!({"role": "user", "content": "a"}),
            json!({"type": "message", "status": "completed", "content": text, "role": "user"}),
        ),
        (
            json!({"type": null, "role": "assistant", "content": "a", "id": null, "status": null}),
            json!({"type": "message", "status": "completed", "content": said, "role": "assistant"}),
        ),
        (
            json!({"role": "assistant", "content": [{"type": "output_text", "text": "a"}], "phase": "commentary", "id": "msg_1"}),
            json!({"id": "msg_1", "type": "message", "status": "completed", "content": said, "role": "assistant", "phase": "commentary"}),
        ),
        (
            json!({"role": "developer", "content": [{"type": "input_image", "image_url": "u", "extra": null}]}),
            json!({"type": "message", "status": "completed", "content": [{"type": "input_image", "detail": "auto", "image_url": "u", "extra": null}], "role": "developer"}),
        ),
        (
            json!({"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"}),
            json!({"type": "function_call", "status": "completed", "arguments": "{}", "call_id": "c", "name": "f"}),
        ),
        (
            json!({"type": "function_call_output", "id": "fco_1", "call_id": "c", "output": [{"type": "input_text", "text": "a"}]}),
            json!({"id": "fco_1", "type": "function_call_output", "status": "completed", "call_id": "c", "output": text}),
        ),
        (
            json!({"type": "reasoning", "id": "rs_1", "status": null, "content": null}),
            json!({"id": "rs_1", "type": "reasoning", "summary": [], "content": []}),
        ),
        (
            json!({"type": "reasoning", "status": "completed", "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": "e"}),
            json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "s"}], "content": [], "encrypted_content": "e", "status": "completed"}),
        ),
        (json!({"id": "msg_9"}), json!({"id": "msg_9", "type": "item_reference"})),
        (json!({"type": "item_reference", "id": "x"}), json!({"id": "x", "type": "item_reference"})),
        (
            json!({"call_id": "c", "type": "shell_call_output", "output": [1], "id": "sho_1"}),
            json!({"id": "sho_1", "type": "shell_call_output", "call_id": "c", "output": [1]}),
        ),
        (json!({"type": "compaction_trigger"}), json!({"type": "compaction_trigger"})),
        (json!({"type": "fairlead:note", "x": 1}), json!({"type": "fairlead:note", "x": 1})),
    ];
    for (given, expected) in table {
        let first = normalised(given);
        assert_eq!(first.to_string(), expected.to_string());
        assert_eq!(normalised(first).to_string(), expected.to_string(), "it is idempotent");
    }
}

#[test]
fn every_listed_type_is_accepted() {
    for kind in [
        "program",
        "program_output",
        "tool_search_call",
        "tool_search_output",
        "additional_tools",
        "computer_call",
        "computer_call_output",
        "shell_call",
        "shell_call_output",
        "apply_patch_call",
        "apply_patch_call_output",
        "local_shell_call",
        "local_shell_call_output",
        "code_interpreter_call",
    ] {
        assert_eq!(
            normalised(json!({"type": kind, "anything": {"a": null}}))["anything"],
            json!({"a": null})
        );
    }
}

#[test]
fn order_is_kept() {
    let request = accepted(json!({"input": [
        {"role": "user", "content": "1"},
        {"type": "function_call", "name": "f", "arguments": "", "call_id": "c"},
        {"type": "function_call_output", "call_id": "c", "output": "2"},
        {"type": "compaction_trigger"},
    ]}));
    let kinds: Vec<&str> = request.input.iter().map(Item::kind).collect();
    assert_eq!(kinds, ["message", "function_call", "function_call_output", "compaction_trigger"]);
}

#[test]
fn ids_must_have_the_prefix_of_their_type() {
    let call = json!({"type": "function_call", "name": "f", "arguments": "", "call_id": "c", "id": "msg_1"});
    let message = "Invalid 'input[0].id': 'msg_1'. Expected an ID that begins with 'fc'.";
    assert_eq!(refusal(call), ("invalid_value".into(), "input[0].id".into(), message.into()));
    for (item, prefix) in [
        (json!({"role": "user", "content": "a"}), "msg"),
        (json!({"type": "function_call_output", "call_id": "c", "output": ""}), "fc"),
        (json!({"type": "custom_tool_call", "call_id": "c", "name": "n", "input": ""}), "ctc"),
        (json!({"type": "custom_tool_call_output", "call_id": "c", "output": ""}), "ctc"),
        (json!({"type": "reasoning", "summary": []}), "rs"),
        (json!({"type": "file_search_call", "queries": [], "status": "completed"}), "fs"),
        (json!({"type": "web_search_call", "status": "completed"}), "ws"),
        (json!({"type": "mcp_list_tools", "server_label": "l", "tools": []}), "mcpl"),
        (json!({"type": "mcp_call", "server_label": "l", "name": "n", "arguments": ""}), "mcp"),
        (json!({"type": "mcp_approval_request", "server_label": "l", "name": "n", "arguments": ""}), "mcpr"),
        (json!({"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": true}), "mcpr"),
        (json!({"type": "image_generation_call", "result": null, "status": "completed"}), "ig"),
        (json!({"type": "compaction", "encrypted_content": "e"}), "cmp"),
    ] {
        let with_id = |id: String| {
            let mut item = item.clone();
            item["id"] = id.into();
            item
        };
        let (_, param, message) = refusal(with_id("x_1".to_owned()));
        assert_eq!(param, "input[0].id");
        assert!(message.ends_with(&format!("begins with '{prefix}'.")), "{message}");
        assert_eq!(normalised(with_id(format!("{prefix}_1")))["id"], format!("{prefix}_1"));
    }
}

#[test]
fn each_fault_names_its_field() {
    assert_refused(include_str!("../../../../tests/golden/refused_items.txt"), |item| {
        parsed(json!({"input": [item]})).map(drop)
    });
}

#[test]
fn unknown_types_are_refused_with_the_list() {
    let (code, param, message) = refusal(json!({"type": "telepathy"}));
    assert_eq!((code.as_str(), param.as_str()), ("invalid_value", "input[0].type"));
    assert!(
        message.starts_with("Invalid value: 'telepathy'. Supported values are: 'message', 'function_call', ")
    );
    let (code, param, _) = refusal(json!({"role": "user", "content": [{"type": "text", "text": ""}]}));
    assert_eq!((code.as_str(), param.as_str()), ("invalid_value", "input[0].content[0].type"));
}

#[test]
fn a_trigger_is_the_last_item() {
    let error = parsed(json!({"input": [{"type": "compaction_trigger"}, {"id": "msg_1"}]})).unwrap_err();
    assert_eq!((error.code.as_deref(), error.param.as_deref()), (Some("invalid_value"), Some("input[0]")));
}
