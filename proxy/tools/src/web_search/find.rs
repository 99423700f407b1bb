//! Looks for text in a page.

/// Places that are shown.
const PLACES: usize = 20;
/// Code points that are shown before and after.
const AROUND: usize = 200;

/// Where `pattern` stands, whatever the case of its letters: each place with the text around it. At most one in a line.
pub(super) fn places(text: &str, pattern: &str) -> Vec<String> {
    let pattern = pattern.trim().to_lowercase();
    if pattern.is_empty() {
        return Vec::new();
    }
    let length = pattern.chars().count();
    let place = |line: &str| {
        let lower = line.to_lowercase();
        let found = lower.find(&pattern)?;
        let start = lower[..found].chars().count();
        Some(around(line, start, length))
    };
    text.lines().filter_map(place).take(PLACES).collect()
}

/// Letters that are longer in lower case move the window a little; it is wide enough.
fn around(line: &str, start: usize, length: usize) -> String {
    let from = start.saturating_sub(AROUND);
    let window: String = line.chars().skip(from).take(start - from + length + AROUND).collect();
    let before = if from > 0 { "…" } else { "" };
    let after = if from + window.chars().count() < line.chars().count() { "…" } else { "" };
    format!("{before}{}{after}", window.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_with_what_is_around_it() {
        let text = format!("Nothing.\n{}The FÜCHSE run.{}\nfüchse again", "a ".repeat(300), " b".repeat(300));
        let found = places(&text, " füchse ");
        assert_eq!(found.len(), 2);
        assert!(
            found[0].starts_with("…a a") && found[0].contains("The FÜCHSE run.") && found[0].ends_with("b…")
        );
        assert_eq!(found[1], "füchse again");
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        assert!(places("a\nb", "c").is_empty() && places("a", " ").is_empty());
        assert_eq!(places(&"x\n".repeat(50), "X").len(), PLACES);
        assert_eq!(places("İİİİx", "x"), ["İİİİx"]);
    }
}
