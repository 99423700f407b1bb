//! The little that a relay must know of a request, read without building it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::chat::request::{self, ChatRequest};
use crate::error::ApiError;
use crate::responses::request::is_server_type;

/// What decides how a request is handled. Ranges of other fields are left to the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peek<'a> {
    /// The name as the caller wrote it; borrowed from the body where it holds no escapes.
    pub model: Cow<'a, str>,
    /// Whether the answer is a stream.
    pub stream: bool,
    /// Whether the stream ends with a chunk of usage.
    pub include_usage: bool,
    /// Whether the completion is kept; false unless given.
    pub store: bool,
    /// Whether a tool is offered that the server runs.
    pub has_server_tools: bool,
    /// How many choices; 1 unless given.
    pub n: u64,
}

/// Reads a body without building it.
///
/// Errors: as [`request::parse`], but only for what stands in [`Peek`], and for absent or empty `messages`.
pub fn peek(body: &[u8]) -> Result<Peek<'_>, ApiError> {
    match serde_json::from_slice::<Head<'_>>(body) {
        Ok(head) if !head.model.is_empty() && head.messages.0 && head.n.is_none_or(|n| n > 0) => {
            Ok(head.into())
        }
        _ => request::parse(body).map(Peek::from),
    }
}

impl Peek<'_> {
    /// The same body with another model; all other bytes stay as they are.
    pub fn rewritten(&self, body: &[u8], model: &str) -> Vec<u8> {
        let Some(start) = self.offset(body) else { return rebuilt(body, model) };
        let name = serde_json::Value::from(model).to_string();
        let mut whole = Vec::with_capacity(body.len() + name.len());
        whole.extend_from_slice(&body[..start - 1]);
        whole.extend_from_slice(name.as_bytes());
        whole.extend_from_slice(&body[start + self.model.len() + 1..]);
        whole
    }

    /// Where the name stands in the body, if it is a part of it, between its quotes.
    fn offset(&self, body: &[u8]) -> Option<usize> {
        let Cow::Borrowed(name) = self.model else { return None };
        let start = (name.as_ptr() as usize).checked_sub(body.as_ptr() as usize)?;
        let quoted = body.get(start.checked_sub(1)?..start + name.len() + 1)?;
        (quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")? == name.as_bytes()).then_some(start)
    }
}

fn rebuilt(body: &[u8], model: &str) -> Vec<u8> {
    let Ok(mut map) = crate::read::object(body) else { return body.to_vec() };
    map.insert("model".to_owned(), model.into());
    serde_json::to_vec(&map).unwrap_or_default()
}

impl From<ChatRequest> for Peek<'_> {
    fn from(request: ChatRequest) -> Self {
        Self {
            model: Cow::Owned(request.model),
            stream: request.stream,
            include_usage: request.include_usage,
            store: request.store,
            has_server_tools: !request.server_tools.is_empty(),
            n: request.n,
        }
    }
}

impl<'a> From<Head<'a>> for Peek<'a> {
    fn from(head: Head<'a>) -> Self {
        Self {
            model: head.model,
            stream: head.stream.unwrap_or(false),
            include_usage: head.stream_options.and_then(|options| options.include_usage).unwrap_or(false),
            store: head.store.unwrap_or(false),
            has_server_tools: head.tools.is_some_and(|tools| tools.0),
            n: head.n.unwrap_or(1),
        }
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    model: Cow<'a, str>,
    messages: AnyEntry,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    store: Option<bool>,
    #[serde(default)]
    tools: Option<AnyServerTool>,
    #[serde(default)]
    n: Option<u64>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
struct ToolType<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

/// Whether a list has an entry.
struct AnyEntry(bool);

/// Whether a list of tools has one that the server runs.
struct AnyServerTool(bool);

impl<'de> Deserialize<'de> for AnyEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = AnyEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<AnyEntry, A::Error> {
                let mut any = false;
                while entries.next_element::<IgnoredAny>()?.is_some() {
                    any = true;
                }
                Ok(AnyEntry(any))
            }
        }
        deserializer.deserialize_seq(Entries)
    }
}

impl<'de> Deserialize<'de> for AnyServerTool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tools;
        impl<'de> Visitor<'de> for Tools {
            type Value = AnyServerTool;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of tools")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut tools: A) -> Result<AnyServerTool, A::Error> {
                let mut any = false;
                while let Some(tool) = tools.next_element::<ToolType<'_>>()? {
                    any |= is_server_type(&tool.kind);
                }
                Ok(AnyServerTool(any))
            }
        }
        deserializer.deserialize_seq(Tools)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_is_read() {
        let body = br#"{"messages":[{"role":"user","content":"hi"}],"model":"m/x@1","stream":true,"store":null,
            "stream_options":{"include_usage":true,"x":[1]},"n":2,"tools":[{"type":"function","function":{"name":"f"}}]}"#;
        let expected = Peek {
            model: Cow::Borrowed("m/x@1"),
            stream: true,
            include_usage: true,
            store: false,
            has_server_tools: false,
            n: 2,
        };
        assert_eq!(peek(body).unwrap(), expected);
        let body = br#"{"messages":[{}],"model":"m","store":true,"tools":[{"function":{},"type":"think"}]}"#;
        let seen = peek(body).unwrap();
        assert!(seen.has_server_tools && seen.store && !seen.stream);
    }

    #[test]
    fn faults_have_the_words_of_the_whole_parser() {
        for (body, param) in [
            (r#"{"messages":[{"role":"user","content":"x"}]}"#, Some("model")),
            (r#"{"model":"","messages":[{"role":"user","content":"x"}]}"#, Some("model")),
            (r#"{"model":"m","messages":[]}"#, Some("messages")),
            (r#"{"model":"m"}"#, Some("messages")),
            (r#"{"model":"m","messages":[{"role":"user","content":"x"}],"stream":"yes"}"#, Some("stream")),
            (r#"{"model":"m","model":"n","messages":[{"role":"user","content":"x"}]}"#, Some("model")),
            (
                r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{}]}"#,
                Some("tools[0].type"),
            ),
            ("{", None),
        ] {
            assert_eq!(peek(body.as_bytes()).unwrap_err().param.as_deref(), param, "{body}");
        }
    }

    #[test]
    fn only_the_model_is_rewritten() {
        let body = br#"{ "user" :"m", "model":"m" ,"messages":[ {"content":"m","role":"user"} ]}"#;
        let whole = peek(body).unwrap().rewritten(body, "a\"b");
        let expected = r#"{ "user" :"m", "model":"a\"b" ,"messages":[ {"content":"m","role":"user"} ]}"#;
        assert_eq!(String::from_utf8(whole).unwrap(), expected);
    }

    #[test]
    fn a_name_with_escapes_is_rewritten_too() {
        let body = br#"{"messages": [{}], "model": "a\u002fb"}"#;
        let seen = peek(body).unwrap();
        assert_eq!(seen.model, "a/b");
        assert_eq!(seen.rewritten(body, "c"), br#"{"messages":[{}],"model":"c"}"#);
    }
}
