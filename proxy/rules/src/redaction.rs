//! Replaces what nobody is to see.

use std::borrow::Cow;

use regex::{NoExpand, Regex, RegexBuilder};

/// The most memory that a compiled pattern takes, in bytes.
pub(crate) const PATTERN_BYTES: usize = 256 * 1024;

/// A pattern and what takes the place of its matches.
#[derive(Clone, Debug)]
pub struct Redaction {
    pattern: Regex,
    replacement: String,
}

impl Redaction {
    /// Compiles a pattern in RE2 syntax; it is matched in time that grows with the text alone. The replacement is taken as it
    /// stands.
    ///
    /// Errors: the pattern is wrong, too large, or fits the empty text; in words.
    pub fn new(pattern: &str, replacement: &str) -> Result<Self, String> {
        let pattern = compile(pattern)?;
        if pattern.is_match("") {
            return Err("the pattern fits the empty text".to_owned());
        }
        Ok(Self { pattern, replacement: replacement.to_owned() })
    }

    /// Replaces every match.
    #[must_use]
    pub fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.pattern.replace_all(text, NoExpand(&self.replacement))
    }
}

/// Compiles a pattern that stays within its bounds.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES).build();
    built.map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        format!("not a pattern: {}", last.trim_start_matches("error: "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_match_is_replaced_and_the_replacement_is_no_template() {
        let redaction = Redaction::new("sk-[a-z]+", "$0").unwrap();
        assert_eq!(redaction.apply("a sk-abc b sk-d"), "a $0 b $0");
        assert_eq!(redaction.apply("nothing"), "nothing");
    }

    #[test]
    fn what_is_no_pattern_is_said_in_words() {
        assert_eq!(Redaction::new("(", "").unwrap_err(), "not a pattern: unclosed group");
        assert_eq!(Redaction::new("a*", "").unwrap_err(), "the pattern fits the empty text");
        assert!(Redaction::new("(a{1000}){1000}", "").unwrap_err().contains("size limit"));
    }
}
