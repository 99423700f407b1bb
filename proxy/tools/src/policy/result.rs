//! What of a result is passed on.

use std::sync::Arc;

use rules::Redaction;
use serde_json::Value;

use crate::text::cut;

/// What of a result is passed on.
#[derive(Clone, Debug, Default)]
pub struct ResultRules {
    /// The most that a model sees, in bytes; absent = everything.
    pub max_bytes: Option<usize>,
    /// What is replaced before that, in this order.
    pub redactions: Vec<Arc<Redaction>>,
}

impl ResultRules {
    /// Replaces what nobody is to see, then cuts. Cut text ends with a mark that says so and is not counted.
    pub fn apply(&self, text: String) -> String {
        let redacted = self.redact(text);
        match self.max_bytes {
            Some(most) => cut(redacted, most),
            None => redacted,
        }
    }

    /// Does so with the texts of a value, which share the limit. Entries of lists for which nothing is left go; addresses and
    /// types stay whole.
    pub fn apply_within(&self, value: &mut Value) {
        self.spend(value, &mut self.max_bytes.unwrap_or(usize::MAX));
    }

    /// Replaces what nobody is to see.
    pub(crate) fn redact(&self, text: String) -> String {
        self.redactions.iter().fold(text, |text, redaction| redaction.apply(&text).into_owned())
    }

    fn spend(&self, value: &mut Value, left: &mut usize) {
        match value {
            Value::String(text) => {
                let redacted = self.redact(std::mem::take(text));
                let length = redacted.len();
                *text = cut(redacted, *left);
                *left = left.saturating_sub(length);
            }
            Value::Array(items) => items.retain_mut(|item| {
                let fits = *left > 0;
                self.spend(item, left);
                fits
            }),
            Value::Object(fields) => fields.iter_mut().for_each(|(key, field)| match (key.as_str(), field) {
                ("url" | "type", Value::String(text)) => {
                    *text = self.redact(std::mem::take(text));
                    *left = left.saturating_sub(text.len());
                }
                (_, field) => self.spend(field, left),
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Adds a limit of somebody else; the smaller one counts.
    #[must_use]
    pub fn within(self, most: usize) -> Self {
        Self { max_bytes: Some(self.max_bytes.map_or(most, |own| own.min(most))), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(max_bytes: Option<usize>, patterns: &[&str]) -> ResultRules {
        let redaction = |pattern: &&str| Arc::new(Redaction::new(pattern, "*").expect("a pattern"));
        ResultRules { max_bytes, redactions: patterns.iter().map(redaction).collect() }
    }

    #[test]
    fn a_secret_at_the_edge_is_replaced_before_the_cut() {
        let rules = rules(Some(6), &["sk-[a-z]+"]);
        assert_eq!(rules.apply("key sk-abcdef and more".into()), "key * \n[truncated: 6 of 14 bytes]");
        assert_eq!(rules.apply("short".into()), "short");
    }

    #[test]
    fn no_character_is_cut_in_two() {
        assert_eq!(rules(Some(2), &[]).apply("aéb".into()), "a\n[truncated: 1 of 4 bytes]");
    }

    #[test]
    fn the_texts_of_a_value_share_the_limit() {
        let entry = |text: &str| serde_json::json!({"type": "t", "url": "https://a", "text": text, "n": 1});
        let mut value = serde_json::json!([entry("12345"), entry("sk-abc 12345"), entry("12345")]);
        rules(Some(28), &["sk-[a-z]+"]).apply_within(&mut value);
        let expected = serde_json::json!([entry("12345"), entry("* 1\n[truncated: 3 of 7 bytes]")]);
        assert_eq!(value, expected);
        let mut value = serde_json::json!([entry("12345"), entry("sk-abc")]);
        rules(None, &["sk-[a-z]+"]).apply_within(&mut value);
        assert_eq!(value, serde_json::json!([entry("12345"), entry("*")]));
    }

    #[test]
    fn the_smaller_limit_counts() {
        assert_eq!(rules(Some(5), &[]).within(9).max_bytes, Some(5));
        assert_eq!(rules(Some(5), &[]).within(3).max_bytes, Some(3));
        assert_eq!(rules(None, &[]).within(3).max_bytes, Some(3));
    }
}
