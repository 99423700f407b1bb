//! Citations in the form of Chat Completions.

use serde_json::{Map, Value};

/// Nests a flat annotation below its type and moves its offsets by `offset` code points.
pub fn cited(annotation: &Value, offset: usize) -> Value {
    let Value::Object(flat) = annotation else { return annotation.clone() };
    let kind = flat.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut nested = flat.clone();
    nested.shift_remove("type");
    for key in ["start_index", "end_index", "index"] {
        if let Some(at) = nested.get(key).and_then(Value::as_u64) {
            nested.insert(key.to_owned(), at.saturating_add(offset as u64).into());
        }
    }
    let mut whole = Map::new();
    whole.insert("type".to_owned(), kind.clone().into());
    whole.insert(kind, Value::Object(nested));
    Value::Object(whole)
}
