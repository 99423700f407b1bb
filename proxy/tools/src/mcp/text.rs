//! Foreign text: without what a reader cannot see, and not too long.

/// The text without control, bidirectional, zero-width and tag characters. Line ends and tabs stay.
pub(super) fn cleaned(text: &str) -> String {
    text.chars().filter(|&letter| is_visible(letter)).collect()
}

/// Cuts at the last character that fits and says so.
pub(super) fn cut(mut text: String, limit_bytes: usize) -> String {
    let total = text.len();
    if total > limit_bytes {
        text.truncate(text.floor_char_boundary(limit_bytes));
        text.push_str(&format!("\n[truncated: {} of {total} bytes]", text.len()));
    }
    text
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
