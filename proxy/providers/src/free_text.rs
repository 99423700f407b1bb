//! Custom tools for upstreams that know functions alone: free text is the one string of an object.

use serde::Deserialize;
use serde_json::{Value, json};

/// The schema. A grammar becomes words, which is the most that a schema can say of it.
pub(crate) fn schema(format: Option<&Value>) -> Value {
    let text = |key: &str| format.and_then(|format| format.get(key)).and_then(Value::as_str);
    let mut input = json!({"type": "string"});
    if let Some(definition) = text("definition") {
        let syntax = text("syntax").unwrap_or("lark");
        input["description"] = format!("Text that fits this {syntax} grammar:\n{definition}").into();
    }
    json!({"type": "object", "properties": {"input": input}, "required": ["input"], "additionalProperties": false})
}

/// The arguments of an earlier call.
pub(crate) fn wrap(input: &str) -> String {
    json!({ "input": input }).to_string()
}

/// The text of `{"input":"…"}`; a model that wrote something else meant that.
pub(crate) fn unwrap(arguments: String) -> String {
    #[derive(Deserialize)]
    struct Wrapped {
        input: String,
    }
    serde_json::from_str::<Wrapped>(&arguments).map(|wrapped| wrapped.input).unwrap_or(arguments)
}
