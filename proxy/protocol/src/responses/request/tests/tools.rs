use super::*;
use crate::responses::tool::Tool;
use crate::secret::Secret;

fn echoed(tool: Value) -> Value {
    let tools = Value::Array(vec![tool]);
    serde_json::to_value(&accepted(json!({"tools": tools})).tools[0]).unwrap()
}

fn refusal(body: Value) -> (String, String, String) {
    let error = parsed(body).unwrap_err();
    assert_eq!(error.status, 400);
    (error.code.unwrap_or_default(), error.param.unwrap_or_default(), error.message)
}

#[test]
fn a_function_is_made_strict_unless_it_says_otherwise() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let closed = json!({
        "type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false,
    });
    let open = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let table = [
        (json!({"parameters": schema}), json!({"parameters": closed, "strict": true})),
        (json!({"parameters": schema, "strict": false}), json!({"parameters": schema, "strict": false})),
        (json!({"parameters": schema, "strict": true}), json!({"parameters": schema, "strict": true})),
        (json!({"parameters": schema, "strict": null}), json!({"parameters": closed, "strict": true})),
        (json!({"parameters": open}), json!({"parameters": open, "strict": false})),
        (json!({}), json!({"parameters": null, "strict": false})),
    ];
    for (given, expected) in table {
        let mut tool = json!({"type": "function", "name": "f"});
        tool.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        let echo = echoed(tool);
        let keys: Vec<&String> = echo.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["type", "description", "name", "parameters", "strict"]);
        assert_eq!(json!({"parameters": echo["parameters"], "strict": echo["strict"]}), expected);
    }
}

#[test]
fn defaults_are_filled_in_and_unknown_fields_kept() {
    let table = [
        (
            json!({"type": "file_search", "vector_store_ids": ["vs_1"]}),
            json!({"type": "file_search", "vector_store_ids": ["vs_1"], "filters": null, "max_num_results": 20,
                   "ranking_options": {"ranker": "auto", "score_threshold": 0.0}}),
        ),
        (
            json!({"type": "agentic_search", "vector_store_ids": ["vs_1"], "alias": "docs", "enable_x_tuning": true}),
            json!({"type": "agentic_search", "vector_store_ids": ["vs_1"], "max_num_results": 20, "max_iterations": 5,
                   "filters": null, "alias": "docs", "enable_x_tuning": true}),
        ),
        (
            json!({"type": "web_search_2025_08_26"}),
            json!({"type": "web_search_2025_08_26", "filters": null, "search_context_size": "medium", "user_location": null}),
        ),
        (
            json!({"type": "web_search_preview", "search_context_size": "low"}),
            json!({"type": "web_search_preview", "search_context_size": "low", "user_location": null}),
        ),
        (
            json!({"type": "think", "alias_description": "d"}),
            json!({"type": "think", "alias_description": "d"}),
        ),
        (
            json!({"type": "image_generation", "size": "auto"}),
            json!({"type": "image_generation", "size": "auto"}),
        ),
        (
            json!({"type": "custom", "name": "c", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}}),
            json!({"type": "custom", "name": "c", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}}),
        ),
        (
            json!({"type": "code_interpreter", "container": "c"}),
            json!({"type": "code_interpreter", "container": "c"}),
        ),
        (json!({"type": "local_shell"}), json!({"type": "local_shell"})),
        (
            json!({"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "f"}]}),
            json!({"type": "namespace", "name": "n", "description": null, "tools": [
                {"type": "function", "description": null, "name": "f", "parameters": null, "strict": false}]}),
        ),
    ];
    for (given, expected) in table {
        assert_eq!(echoed(given).to_string(), expected.to_string());
    }
}

#[test]
fn an_mcp_tool_shows_no_secret() {
    let tool = json!({"type": "mcp", "server_label": "l", "server_url": "https://h.example:8443/s3cr3t/mcp?k=s3cr3t",
                      "authorization": "s3cr3t", "headers": {"x-key": "s3cr3t"}});
    let request = accepted(json!({"tools": [tool]}));
    let Tool::Mcp(tool) = &request.tools[0] else { panic!("another tool") };
    assert_eq!(tool.authorization.as_ref().map(Secret::expose), Some("s3cr3t"), "its executor needs it");
    assert!(!format!("{request:?}").contains("s3cr3t"));
    let shown = serde_json::to_value(&request.tools[0]).unwrap();
    let expected = json!({
        "type": "mcp", "server_label": "l", "server_url": "https://h.example:8443/<redacted>", "allowed_tools": null,
        "headers": null, "require_approval": "always", "server_description": null,
    });
    assert_eq!(shown.to_string(), expected.to_string());
}

#[test]
fn a_label_names_one_server() {
    let tools = json!([{"type": "mcp", "server_label": "a"}, {"type": "mcp", "server_label": "b"},
        {"type": "mcp", "server_label": "a", "server_url": "https://h.example"}]);
    let (code, param, _) = refusal(json!({"tools": tools}));
    assert_eq!((code.as_str(), param.as_str()), ("invalid_value", "tools[2].server_label"));
}

#[test]
fn each_fault_names_its_field() {
    assert_refused(include_str!("../../../../tests/golden/refused_tools.txt"), |tool| {
        parsed(json!({"tools": [tool]})).map(drop)
    });
}

#[test]
fn unknown_types_are_refused_with_the_list() {
    let (code, param, message) = refusal(json!({"tools": [{"type": "teleport"}]}));
    assert_eq!((code.as_str(), param.as_str()), ("invalid_value", "tools[0].type"));
    assert!(message.starts_with("Invalid value: 'teleport'. Supported values are: 'function', 'custom', "));
}

#[test]
fn there_are_at_most_128_tools() {
    let tools = |count: usize| json!({"tools": vec![json!({"type": "think"}); count]});
    assert!(parsed(tools(128)).is_ok());
    assert_eq!(refusal(tools(129)).0, "array_above_max_length");
}

#[test]
fn every_form_of_choice_is_read_back() {
    let tools = json!([
        {"type": "function", "name": "f"}, {"type": "custom", "name": "c"}, {"type": "mcp", "server_label": "l"},
        {"type": "web_search"}, {"type": "think", "alias": "ponder"},
        {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "g"}]},
    ]);
    for choice in [
        json!("none"),
        json!("auto"),
        json!("required"),
        json!({"type": "function", "name": "f"}),
        json!({"type": "function", "name": "ponder"}),
        json!({"type": "function", "name": "g"}),
        json!({"type": "function", "name": "n__g"}),
        json!({"type": "custom", "name": "c"}),
        json!({"type": "mcp", "server_label": "l"}),
        json!({"type": "mcp", "server_label": "l", "name": "t"}),
        json!({"type": "web_search"}),
        json!({"type": "web_search_preview"}),
        json!({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}, {"type": "think"}]}),
    ] {
        let request = accepted(json!({"tools": tools, "tool_choice": choice}));
        assert_eq!(serde_json::to_value(&request.tool_choice).unwrap(), choice);
    }
}

#[test]
fn a_choice_must_be_among_the_tools() {
    let tools = json!([{"type": "function", "name": "f"}]);
    let missing = |name: &str| format!("Tool choice '{name}' not found in 'tools' parameter.");
    let table = [
        (json!({"type": "function", "name": "g"}), "invalid_value", "tool_choice", missing("g")),
        (json!({"type": "custom", "name": "f"}), "invalid_value", "tool_choice", missing("f")),
        (json!({"type": "mcp", "server_label": "l"}), "invalid_value", "tool_choice", missing("l")),
        (json!({"type": "file_search"}), "invalid_value", "tool_choice", missing("file_search")),
        (
            json!({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "g"}]}),
            "invalid_value",
            "tool_choice.tools[0]",
            missing("g"),
        ),
        (
            json!({"type": "function", "function": {"name": "f"}}),
            "missing_required_parameter",
            "tool_choice.name",
            "Missing required parameter: 'tool_choice.name'.".to_owned(),
        ),
        (
            json!("maybe"),
            "invalid_value",
            "tool_choice",
            "Invalid value: 'maybe'. Supported values are: 'none', 'auto', and 'required'.".to_owned(),
        ),
        (
            json!(true),
            "invalid_type",
            "tool_choice",
            "Invalid type for 'tool_choice': expected a string or an object, but got a boolean instead."
                .to_owned(),
        ),
    ];
    for (choice, code, param, message) in table {
        let expected = (code.to_owned(), param.to_owned(), message);
        assert_eq!(refusal(json!({"tools": tools, "tool_choice": choice})), expected);
    }
    assert_eq!(refusal(json!({"tool_choice": "required"})).1, "tool_choice");
}
