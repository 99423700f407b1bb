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
        let redacted =
            self.redactions.iter().fold(text, |text, redaction| redaction.apply(&text).into_owned());
        match self.max_bytes {
            Some(most) => cut(redacted, most),
            None => redacted,
        }
    }

    /// Does so with every text in a value.
    pub fn apply_within(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.apply(std::mem::take(text)),
            Value::Array(items) => items.iter_mut().for_each(|item| self.apply_within(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.apply_within(field)),
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
    fn the_smaller_limit_counts() {
        assert_eq!(rules(Some(5), &[]).within(9).max_bytes, Some(5));
        assert_eq!(rules(Some(5), &[]).within(3).max_bytes, Some(3));
        assert_eq!(rules(None, &[]).within(3).max_bytes, Some(3));
    }
}
