//! The bodies of requests.

pub(crate) const CHAT: &str = r#"{"model":"mock","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"What is spring like in Paris, and what should one wear?"}],"max_tokens":256}"#;
pub(crate) const CHAT_STREAM: &str = r#"{"model":"mock","stream":true,"messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"What is spring like in Paris, and what should one wear?"}],"max_tokens":256}"#;
pub(crate) const UNSTORED: &str = r#"{"model":"mock","store":false,"instructions":"You are a helpful assistant.","input":"What is spring like in Paris, and what should one wear?","max_output_tokens":256}"#;
pub(crate) const UNSTORED_STREAM: &str = r#"{"model":"mock","stream":true,"store":false,"instructions":"You are a helpful assistant.","input":"What is spring like in Paris, and what should one wear?","max_output_tokens":256}"#;
pub(crate) const STORED: &str = r#"{"model":"mock","store":true,"input":"What is spring like in Paris, and what should one wear?","max_output_tokens":256}"#;

pub(crate) const LOOP: &str = r#"{"model":"mock","store":false,"instructions":"You are a helpful assistant.","input":"What is spring like in Paris, and what should one wear?","max_output_tokens":256,"tools":[{"type":"mcp","server_label":"bench","require_approval":"never"}]}"#;

/// A stored turn that continues `previous`.
pub(crate) fn turn(previous: &str) -> String {
    STORED.replacen('{', &format!(r#"{{"previous_response_id":"{previous}","#), 1)
}
