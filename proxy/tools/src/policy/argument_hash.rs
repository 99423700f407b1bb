//! The hash of arguments, for audit lines.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Returns SHA-256 of a value in canonical JSON (members sorted by name, no white space), in hexadecimal digits.
pub(super) fn hash(value: &Value) -> String {
    let mut text = String::new();
    canonical(value, &mut text);
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> = members.iter().collect();
            text.push('{');
            for (place, (name, member)) in sorted.into_iter().enumerate() {
                separate(place, text);
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                canonical(member, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                separate(place, text);
                canonical(item, text);
            }
            text.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&value.to_string());
        }
    }
}

fn separate(place: usize, text: &mut String) {
    if place > 0 {
        text.push(',');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_members_is_irrelevant_and_that_of_items_is_not() {
        assert_eq!(
            hash(&json!({"a": 1, "b": {"c": [1, 2], "d": "x"}})),
            hash(&json!({"b": {"d": "x", "c": [1, 2]}, "a": 1}))
        );
        assert_ne!(hash(&json!([1, 2])), hash(&json!([2, 1])));
        assert_eq!(hash(&json!({})), "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    }
}
