//! Text: foreign text without what a reader cannot see and not too long, and JSON that is equal where the values are.

use serde_json::Value;

/// The text without control, bidirectional, zero-width and tag characters. Line ends and tabs stay.
pub(crate) fn cleaned(text: &str) -> String {
    text.chars().filter(|&letter| is_visible(letter)).collect()
}

/// Cuts at the last character that fits and says so.
pub(crate) fn cut(mut text: String, limit_bytes: usize) -> String {
    let total = text.len();
    if total > limit_bytes {
        text.truncate(text.floor_char_boundary(limit_bytes));
        text.push_str(&format!("\n[truncated: {} of {total} bytes]", text.len()));
    }
    text
}

/// The JSON text with the keys of every object in order, so that equal values have equal texts.
pub(crate) fn canonical(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort();
            let member = |key: &&String| {
                let value = fields.get(*key).map(canonical).unwrap_or_default();
                format!("{}:{value}", Value::String((*key).clone()))
            };
            let members: Vec<String> = keys.iter().map(member).collect();
            format!("{{{}}}", members.join(","))
        }
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain.to_string(),
    }
}

fn is_visible(letter: char) -> bool {
    let hidden = matches!(
        letter,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    matches!(letter, '\n' | '\t' | '\r') || !(letter.is_control() || hidden)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_reader_cannot_see_is_gone() {
        let hidden = "a\u{0}b\u{202e}c\u{200b}d\u{e0041}e\u{fe0f}f\u{feff}\n\tg";
        assert_eq!(cleaned(hidden), "abcdef\n\tg");
        assert_eq!(cleaned("grüße, 世界 👋"), "grüße, 世界 👋");
    }

    #[test]
    fn a_cut_shows() {
        assert_eq!(cut("short".into(), 5), "short");
        assert_eq!(cut("éé".into(), 3), "é\n[truncated: 2 of 4 bytes]");
    }

    #[test]
    fn the_canonical_text_does_not_depend_on_the_order_of_keys() {
        let (one, other) = (
            json!({"b": [1, {"d": 1, "c": "\""}], "a": null}),
            json!({"a": null, "b": [1, {"c": "\"", "d": 1}]}),
        );
        assert_eq!(canonical(&one), canonical(&other));
        assert_eq!(canonical(&one), r#"{"a":null,"b":[1,{"c":"\"","d":1}]}"#);
    }

    proptest! {
        #[test]
        fn a_cut_keeps_a_prefix_within_the_limit(text in "\\PC{0,40}", limit in 0usize..50) {
            let short = cut(text.clone(), limit);
            let kept = short.split("\n[truncated: ").next().expect("a first part");
            prop_assert!(text.starts_with(kept) && kept.len() <= limit.max(text.len().min(limit)));
            prop_assert_eq!(short == text, text.len() <= limit);
        }
    }
}
