//! The body of an error, in whatever form a model server sends it.

use protocol::Object;
use serde_json::Value;

/// Words by which servers say that the context is too long.
const OVERFLOW: [&str; 10] = [
    "context_length_exceeded",
    "maximum context length",
    "context length",
    "context window",
    "context size",
    "prompt is too long",
    "input is too long",
    "too many tokens",
    "reduce the length of",
    "exceed_context_size",
];

/// What a model server says of its error. Not yet redacted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) message: String,
    pub(crate) code: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) param: Option<String>,
    /// Seconds such as `37s`, of Google's `RetryInfo`.
    pub(crate) delay: Option<String>,
    number: Option<u16>,
}

impl Remote {
    /// Reads JSON of several shapes; text that is no JSON is the message, HTML is not.
    pub(crate) fn of(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Self::of_value(&value),
            Err(_) => Self { message: plain(body), ..Self::default() },
        }
    }

    pub(crate) fn of_value(value: &Value) -> Self {
        match value {
            Value::Array(list) => list.first().map(Self::of_value).unwrap_or_default(),
            Value::String(text) => Self { message: text.clone(), ..Self::default() },
            Value::Object(map) => match map.get("error") {
                None | Some(Value::Null) => Self::of_object(map),
                Some(inner) => Self::of_value(inner),
            },
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::default(),
        }
    }

    fn of_object(map: &Object) -> Self {
        let text = |key: &str| map.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let message = text("message").or_else(|| text("detail")).map(str::to_owned);
        let message = message.or_else(|| map.get("detail").map(Value::to_string)).unwrap_or_default();
        let number = ["code", "status_code", "status"].iter().find_map(|key| map.get(*key)?.as_u64());
        let details = map.get("details").and_then(Value::as_array);
        let delay = details.and_then(|list| list.iter().find_map(|entry| entry.get("retryDelay")?.as_str()));
        Self {
            message,
            code: text("code").filter(|code| is_word(code)).map(str::to_owned),
            kind: text("type").or_else(|| text("status")).map(str::to_owned),
            param: text("param").filter(|param| param.len() <= 128).map(str::to_owned),
            delay: delay.map(str::to_owned),
            number: number.and_then(|number| u16::try_from(number).ok()),
        }
    }

    /// True if the money is spent, and not only the rate exceeded.
    pub(crate) fn is_quota(&self) -> bool {
        self.says(&["insufficient_quota", "billing_hard_limit_reached", "billing_not_active"])
    }

    pub(crate) fn is_overflow(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        self.says(&["context_length_exceeded", "exceed_context_size_error"])
            || OVERFLOW.iter().any(|words| message.contains(words))
    }

    /// True if a filter refused the prompt.
    pub(crate) fn is_filter(&self) -> bool {
        self.says(&["content_filter", "content_policy_violation"])
    }

    /// The status that an error inside of an answer stands for.
    pub(crate) fn status(&self) -> Option<u16> {
        if let Some(number) = self.number.filter(|number| (400..=599).contains(number)) {
            return Some(number);
        }
        let statuses: [(u16, &[&str]); 7] = [
            (500, &["server_error", "internal_server_error", "internal_error", "api_error"]),
            (429, &["rate_limit_exceeded", "rate_limit_error", "insufficient_quota", "RESOURCE_EXHAUSTED"]),
            (503, &["overloaded_error", "overloaded", "UNAVAILABLE", "unavailable_error"]),
            (
                400,
                &["context_length_exceeded", "invalid_request_error", "BadRequestError", "tool_use_failed"],
            ),
            (401, &["authentication_error", "invalid_api_key"]),
            (404, &["model_not_found", "not_found_error"]),
            (504, &["timeout_error", "DEADLINE_EXCEEDED"]),
        ];
        let named = statuses.iter().find(|(_, words)| self.says(words)).map(|(status, _)| *status);
        named.or_else(|| self.is_overflow().then_some(400))
    }

    fn says(&self, words: &[&str]) -> bool {
        let is = |field: &Option<String>| field.as_deref().is_some_and(|field| words.contains(&field));
        is(&self.code) || is(&self.kind)
    }
}

fn is_word(code: &str) -> bool {
    code.len() <= 64
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

fn plain(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.starts_with('<') { String::new() } else { text.to_owned() }
}
