//! The schemas of tools: bounded, and with texts that a reader can see. References are never fetched.

use serde_json::Value;

use crate::text;

/// True if the schema nests no deeper than `limit`.
pub(super) fn is_shallow(schema: &Value, limit: usize) -> bool {
    let inner: Box<dyn Iterator<Item = &Value> + '_> = match schema {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(fields) => Box::new(fields.values()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return true,
    };
    limit > 0 && inner.into_iter().all(|value| is_shallow(value, limit - 1))
}

/// Cleans titles and descriptions, which a model reads.
pub(super) fn clean(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                let is_said = matches!(key.as_str(), "title" | "description");
                match value.as_str().filter(|_| is_said).map(text::cleaned) {
                    Some(said) => *value = Value::String(said),
                    None => clean(value),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn depth_counts_nested_values() {
        let nested = (0..32).fold(json!(true), |inner, _| json!({"items": inner}));
        assert!(is_shallow(&nested, 32));
        assert!(!is_shallow(&json!([nested]), 32));
    }

    #[test]
    fn words_are_cleaned_and_values_are_not() {
        let mut schema = json!({"description": "a\u{200b}b", "properties": {"x": {"title": "c\u{202e}", "const": "d\u{200b}"}}});
        clean(&mut schema);
        assert_eq!(
            schema,
            json!({"description": "ab", "properties": {"x": {"title": "c", "const": "d\u{200b}"}}})
        );
    }
}
