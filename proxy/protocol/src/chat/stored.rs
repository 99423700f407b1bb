//! Stored completions: what is kept of request and reply.

use serde_json::Value;

use crate::Object;
use crate::chat::request::ChatRequest;

/// Fields of the request that a stored completion shows.
const SHOWN: [&str; 9] = [
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "response_format",
    "tools",
    "tool_choice",
    "user",
];

/// The completion with its metadata and what it was asked with; absent values are null. `id` stays first.
pub fn body(mut completion: Object, request: &ChatRequest) -> Object {
    for key in SHOWN {
        let name = if key == "user" { "input_user" } else { key };
        completion.insert(name.to_owned(), request.raw.get(key).cloned().unwrap_or_default());
    }
    let metadata = request.metadata.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
    completion.insert("metadata".to_owned(), Value::Object(metadata.collect()));
    completion
}

/// The messages of a request, each with an `id` below the completion's and `content_parts` where the content was a list.
pub fn messages(completion_id: &str, messages: &[Value]) -> Vec<Object> {
    let maps = messages.iter().filter_map(Value::as_object).enumerate();
    maps.map(|(index, message)| stored(format!("{completion_id}-{index}"), message)).collect()
}

fn stored(id: String, message: &Object) -> Object {
    let mut whole = Object::new();
    whole.insert("id".to_owned(), id.into());
    whole.extend(message.clone());
    whole.entry("name").or_insert(Value::Null);
    let parts = match message.get("content") {
        Some(Value::Array(parts)) => Some(parts),
        _ => None,
    };
    if let Some(parts) = parts {
        let texts: Vec<&str> = parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
        let text = (!texts.is_empty()).then(|| texts.join("\n"));
        whole.insert("content".to_owned(), text.into());
    }
    whole.insert("content_parts".to_owned(), parts.cloned().into());
    whole
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_has_an_id_and_its_parts() {
        let given = [
            json!({"role": "user", "content": "a"}),
            json!({"role": "user", "name": "ann", "content": [{"type": "text", "text": "b"}, {"type": "image_url"}]}),
        ];
        let expected = json!([
            {"id": "chatcmpl-1-0", "role": "user", "content": "a", "name": null, "content_parts": null},
            {"id": "chatcmpl-1-1", "role": "user", "name": "ann", "content": "b",
             "content_parts": [{"type": "text", "text": "b"}, {"type": "image_url"}]},
        ]);
        assert_eq!(json!(messages("chatcmpl-1", &given)).to_string(), expected.to_string());
    }

    #[test]
    fn a_completion_shows_what_it_was_asked_with_and_no_secret() {
        let request = json!({
            "model": "m", "messages": [{"role": "user", "content": "a"}], "metadata": {"k": "v"}, "temperature": 0.5,
            "tools": [{"type": "function", "function": {"name": "f"}},
                      {"type": "mcp", "server_label": "l", "authorization": "s3cr3t", "headers": {"a": "s3cr3t"}}],
        });
        let request = crate::chat::request::parse(request.to_string().as_bytes()).unwrap();
        let completion = json!({"id": "chatcmpl-1", "choices": []}).as_object().unwrap().clone();
        let stored = Value::Object(body(completion, &request));
        assert!(stored.to_string().starts_with(r#"{"id":"chatcmpl-1""#));
        assert!(!stored.to_string().contains("s3cr3t"));
        assert!(!format!("{request:?}").contains("s3cr3t"));
        assert_eq!(stored["metadata"], json!({"k": "v"}));
        assert_eq!((&stored["temperature"], &stored["seed"]), (&json!(0.5), &Value::Null));
        assert_eq!(stored["tools"][0], json!({"type": "function", "function": {"name": "f"}}));
        assert_eq!(stored["tools"][1]["server_label"], "l");
    }
}
