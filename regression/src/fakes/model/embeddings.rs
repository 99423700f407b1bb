//! Small vectors that are the same for the same input.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::usage::words;

const DIMENSIONS: usize = 8;

/// Answers a request for embeddings.
pub(super) fn object(request: &Value) -> Value {
    let inputs = inputs(request.get("input").unwrap_or(&Value::Null));
    let dimensions = request.get("dimensions").and_then(Value::as_u64);
    let length = dimensions.and_then(|n| usize::try_from(n).ok()).unwrap_or(DIMENSIONS);
    let base64 = request.get("encoding_format").and_then(Value::as_str) == Some("base64");
    let row = |(index, input): (usize, &String)| {
        let vector = vector(input, length);
        let embedding = if base64 { encoded(&vector) } else { json!(vector) };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    };
    let data: Vec<Value> = inputs.iter().enumerate().map(row).collect();
    let tokens: u64 = inputs.iter().map(|input| words(input)).sum();
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    json!({"object": "list", "data": data, "model": request["model"], "usage": usage})
}

/// The texts, or lists of tokens as text.
fn inputs(input: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match input.as_array() {
        Some(values) if !values.iter().all(Value::is_number) => values.iter().map(text).collect(),
        _ => vec![text(input)],
    }
}

/// A vector of length 1, from a hash (FNV-1a) of the input and the place.
fn vector(input: &str, length: usize) -> Vec<f32> {
    let raw: Vec<f32> = (0..length).map(|place| component(input, place)).collect();
    let norm = raw.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    raw.iter().map(|x| x / norm).collect()
}

fn component(input: &str, place: usize) -> f32 {
    let bytes = input.bytes().chain(place.to_le_bytes());
    let hash = bytes.fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let [high, low, ..] = hash.to_be_bytes();
    f32::from(u16::from_be_bytes([high, low])) / 65_535.0 - 0.5
}

fn encoded(vector: &[f32]) -> Value {
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    Value::String(STANDARD.encode(bytes))
}
