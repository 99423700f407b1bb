//! The hash of arguments, for audit lines.

use std::fmt::Write;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::text::canonical;

/// Returns SHA-256 of a value in canonical JSON (members sorted by name, no white space), in hexadecimal digits.
pub(super) fn hash(value: &Value) -> String {
    Sha256::digest(canonical(value).as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        _ = write!(hex, "{byte:02x}");
        hex
    })
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
