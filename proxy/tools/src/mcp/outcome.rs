//! What a tool returned, and what becomes of it: the `output` of an `mcp_call`, and what the model is told.

use serde_json::{Value, json};

use super::failure::Failure;
use crate::text;

/// What a tool that did not fail returned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The `output` of an `mcp_call`, which is also what the model is told.
    pub output: String,
    /// The texts alone, where there is more than texts.
    pub said: Option<String>,
    /// The images, which `output` only mentions.
    pub images: Vec<Image>,
}

/// An image that a tool returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Such as `image/png`.
    pub media_type: String,
    /// Base64.
    pub data: String,
}

/// A result as it came.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Raw {
    pub(super) content: Vec<Value>,
    pub(super) structured: Option<Value>,
    pub(super) is_error: bool,
}

/// What stands in place of a payload that is left out.
const PAYLOADS: [&str; 2] = ["/data", "/resource/blob"];

impl Outcome {
    /// Reads a result.
    ///
    /// Errors: [`Failure::Execution`] if it says that the tool failed.
    pub(super) fn read(raw: &Raw, limit_bytes: usize) -> Result<Self, Failure> {
        let output = text::cut(shown(raw), limit_bytes);
        if raw.is_error {
            return Err(Failure::Execution { content: content(raw, &output, limit_bytes), told: output });
        }
        let images: Vec<Image> = raw.content.iter().filter_map(image_of).collect();
        let said = || raw.content.iter().filter_map(text_of).collect::<Vec<_>>().join("\n");
        let said = (!images.is_empty()).then(|| text::cut(said(), limit_bytes));
        Ok(Self { output, said, images })
    }
}

impl Raw {
    /// Reads a result that is no typed one, such as one with blocks of an unknown kind.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let fields = value.as_object()?;
        let is_complete = |kind: &Value| kind.as_str() == Some("complete");
        if !fields.get("resultType").is_none_or(is_complete) {
            return None;
        }
        let is_known = |key: &&str| fields.contains_key(*key);
        let known = ["content", "structuredContent", "isError"].iter().filter(|key| is_known(key)).count();
        let foreign = |key: &&String| !matches!(key.as_str(), "_meta" | "resultType");
        if known == 0 && fields.keys().any(|key| foreign(&key)) {
            return None;
        }
        let content = match fields.get("content") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(blocks)) => blocks.clone(),
            Some(_) => return None,
        };
        let is_error = fields.get("isError").and_then(Value::as_bool).unwrap_or_default();
        Some(Self { content, structured: fields.get("structuredContent").cloned(), is_error })
    }
}

/// Texts as text, and all else as JSON without its payloads.
fn shown(raw: &Raw) -> String {
    let texts: Option<Vec<&str>> = raw.content.iter().map(text_of).collect();
    let Some(texts) = texts else {
        let mut blocks: Vec<Value> = raw.content.iter().map(without_payload).collect();
        blocks.extend(raw.structured.iter().map(|value| json!({"structuredContent": value})));
        return Value::Array(blocks).to_string();
    };
    match &raw.structured {
        None => texts.join("\n"),
        Some(structured) if texts.is_empty() => structured.to_string(),
        // Most servers send the structured content a second time as text; the model needs it once.
        Some(structured) if repeats(&texts, structured) => texts.join("\n"),
        Some(structured) => format!("{}\n{structured}", texts.join("\n")),
    }
}

fn text_of(block: &Value) -> Option<&str> {
    let is_text = block.get("type").and_then(Value::as_str) == Some("text");
    if is_text { block.get("text").and_then(Value::as_str) } else { None }
}

fn image_of(block: &Value) -> Option<Image> {
    let text = |key: &str| block.get(key).and_then(Value::as_str);
    let media_type = text("mimeType").filter(|kind| is_image(kind))?.to_owned();
    let data = text("data").filter(|_| text("type") == Some("image"))?.to_owned();
    Some(Image { media_type, data })
}

/// A media type goes into a URL: nothing else may stand in it.
fn is_image(kind: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-');
    kind.strip_prefix("image/").is_some_and(|kind| !kind.is_empty() && kind.bytes().all(plain))
}

/// True if the texts are only another spelling of `structured`, which SDKs wrap as `{"result": …}`.
fn repeats(texts: &[&str], structured: &Value) -> bool {
    let parsed = |text: &&str| serde_json::from_str(text).unwrap_or_else(|_| json!(text));
    let values: Vec<Value> = texts.iter().map(parsed).collect();
    let inner = structured.get("result").unwrap_or(structured);
    let is_single = match (&values[..], texts) {
        ([value], [text]) => same(value, structured) || same(value, inner) || inner.as_str() == Some(text),
        _ => false,
    };
    is_single || same(inner, &Value::Array(values))
}

/// Equal as JSON, where 3 and 3.0 are one number.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            let is_in = |(key, value): (&String, &Value)| b.get(key).is_some_and(|other| same(value, other));
            a.len() == b.len() && a.iter().all(is_in)
        }
        _ => one == other,
    }
}

fn without_payload(block: &Value) -> Value {
    let mut block = block.clone();
    for path in PAYLOADS {
        if let Some(payload) = block.pointer_mut(path) {
            let bytes = payload.as_str().map_or(0, str::len);
            *payload = json!(format!("[{bytes} base64 bytes omitted]"));
        }
    }
    block
}

/// The blocks of a failure, or one text if they are too long.
fn content(raw: &Raw, output: &str, limit_bytes: usize) -> Value {
    let blocks = Value::Array(raw.content.iter().map(without_payload).collect());
    if blocks.to_string().len() <= limit_bytes {
        return blocks;
    }
    json!([{"type": "text", "text": output}])
}

#[cfg(test)]
mod tests;
