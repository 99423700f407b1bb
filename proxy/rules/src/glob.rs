//! Patterns of names: `*` stands for any run of characters, and nothing else is special.

/// Tells whether `*` of the pattern can stand for runs of characters so that it equals the text.
#[must_use]
pub fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        let Some(found) = text.find(part) else { return false };
        text = &text[found + part.len()..];
    }
    true
}

/// Tells whether one of the patterns fits.
pub fn any_fits<'a>(patterns: impl IntoIterator<Item = &'a String>, text: &str) -> bool {
    patterns.into_iter().any(|pattern| fits(pattern, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run() {
        for (pattern, text) in
            [("*", ""), ("a*", "a"), ("a*c", "abc"), ("*b*", "abc"), ("a*b*c", "a-b-b-c"), ("gpt-*", "gpt-5")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a*", "ba"), ("a*c", "ac-"), ("ab*ba", "aba"), ("*x*", "abc")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }
}
