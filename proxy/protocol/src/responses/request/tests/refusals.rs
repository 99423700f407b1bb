use super::*;

/// Asserts status, code, param and message, the first three at a glance: `400 invalid_type model`.
fn refused(error: &ApiError, summary: &str, message: &str) {
    let (code, param) = (error.code.as_deref().unwrap_or("null"), error.param.as_deref().unwrap_or("null"));
    assert_eq!(format!("{} {code} {param}", error.status), summary, "{}", error.message);
    assert_eq!(error.message, message);
    assert_eq!(error.kind, "invalid_request_error");
}

#[test]
fn each_fault_has_its_words() {
    const NO_INPUT: &str =
        "One of 'input', 'previous_response_id', 'prompt' or 'conversation' must be provided.";
    let table = [
        (r"{}", "400 missing_required_parameter model", "Missing required parameter: 'model'."),
        (
            r#"{"model":null,"input":"x"}"#,
            "400 missing_required_parameter model",
            "Missing required parameter: 'model'.",
        ),
        (
            r#"{"model":1}"#,
            "400 invalid_type model",
            "Invalid type for 'model': expected a string, but got an integer instead.",
        ),
        (
            r#"{"model":""}"#,
            "400 invalid_value model",
            "Invalid 'model': you must provide a model parameter.",
        ),
        (r#"{"model":"m"}"#, "400 missing_required_parameter null", NO_INPUT),
        (r#"{"model":"m","input":""}"#, "400 missing_required_parameter null", NO_INPUT),
        (r#"{"model":"m","input":[]}"#, "400 missing_required_parameter null", NO_INPUT),
        (
            r#"{"model":"m","input":7}"#,
            "400 invalid_type input",
            "Invalid type for 'input': expected a string or an array, but got an integer instead.",
        ),
        (
            r#"{"model":"m","model":"n","input":"x"}"#,
            "400 invalid_value model",
            "Invalid 'model': the key is given more than once.",
        ),
    ];
    for (body, summary, message) in table {
        refused(&parse(body.as_bytes(), false).unwrap_err(), summary, message);
    }
}

#[test]
fn each_field_is_checked() {
    assert_refused(include_str!("../../../../tests/golden/refused_fields.txt"), |body| {
        parsed(body).map(drop)
    });
}

#[test]
fn lengths_are_bounded() {
    let pairs = |count: usize| (0..count).map(|n| (format!("k{n}"), json!("v"))).collect::<Value>();
    assert_eq!(accepted(json!({"metadata": pairs(16)})).metadata.len(), 16);
    refused(
        &parsed(json!({"metadata": pairs(17)})).unwrap_err(),
        "400 object_above_max_properties metadata",
        "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but got an object with 17 properties instead.",
    );
    let long = |count: usize| "é".repeat(count);
    for (body, param, limit) in [
        (json!({"metadata": {long(65): "v"}}), "metadata", 64),
        (json!({"metadata": {"k": long(513)}}), "metadata.k", 512),
        (json!({"safety_identifier": long(65)}), "safety_identifier", 64),
        (json!({"prompt_cache_key": long(65)}), "prompt_cache_key", 64),
    ] {
        let error = parsed(body).unwrap_err();
        assert_eq!(
            (error.code.as_deref(), error.param.as_deref()),
            (Some("string_above_max_length"), Some(param))
        );
        let ends = format!("maximum length {limit}, but got a string with length {} instead.", limit + 1);
        assert!(error.message.ends_with(&ends), "{}", error.message);
    }
    assert!(parsed(json!({"metadata": {long(64): long(512)}, "safety_identifier": long(64)})).is_ok());
    let error = parsed(json!({"input": "x".repeat(10_485_761)})).unwrap_err();
    assert_eq!(
        (error.code.as_deref(), error.param.as_deref()),
        (Some("string_above_max_length"), Some("input"))
    );
}

#[test]
fn unknown_keys_are_refused_only_when_strict() {
    let body = br#"{"model":"m","input":"x","x":1,"y":2,"temperature":9}"#;
    refused(&parse(body, true).unwrap_err(), "400 unknown_parameter x", "Unknown parameter: 'x'.");
    assert_eq!(parse(body, false).unwrap_err().param.as_deref(), Some("temperature"));
    assert!(parse(br#"{"model":"m","input":"x","client_metadata":{}}"#, true).is_ok());
}

#[test]
fn the_first_failure_wins_in_the_documented_order() {
    let mut body = json!({
        "previous_response_id": "x", "user": 1, "temperature": 9, "text": 1, "metadata": 1, "tools": 1, "include": 1,
        "input": 1, "strange": 1,
    });
    let order = [
        "strange",
        "input",
        "include",
        "tools",
        "metadata",
        "text",
        "temperature",
        "user",
        "previous_response_id",
    ];
    for param in order {
        let mut whole = body.clone();
        whole["model"] = json!("m");
        let error = parse(whole.to_string().as_bytes(), true).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(param));
        body.as_object_mut().unwrap().shift_remove(param);
    }
    assert_eq!(parse(body.to_string().as_bytes(), true).unwrap_err().param.as_deref(), Some("model"));
}
