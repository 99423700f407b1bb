//! Markdown links in text that grows.

/// The longest URL that is followed.
const URL_BYTES: usize = 4096;

/// Brackets that may be open at a time; of more, the outermost are forgotten.
const OPEN: usize = 16;

/// A link, with its place in code points: from its `[` to behind its `)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) url: String,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Finds links as they close. Text is read once, wherever it is cut.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// Bytes and code points that were read.
    read: (usize, usize),
    /// Where brackets that are still open began.
    open: Vec<usize>,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Text,
    /// Behind a backslash.
    Escaped,
    /// Behind the `]` of a label, which began there.
    Closed(usize),
    /// Behind `](`.
    Target(Target),
}

#[derive(Debug)]
struct Target {
    start: usize,
    url: String,
    /// Parentheses that the URL has opened.
    depth: usize,
    part: Part,
}

/// Where in a target it is.
#[derive(Clone, Copy, Debug)]
enum Part {
    Url,
    /// Within `<` and `>`.
    Angled,
    /// Behind the URL.
    Behind,
    /// Within a title.
    Title(char),
}

/// What a character makes of a target.
enum Step {
    On(Target),
    Link(Target),
    Broken,
}

impl Links {
    /// The links that close in what `text` has more than at the last call.
    pub(crate) fn read(&mut self, text: &str) -> Vec<Link> {
        let (bytes, mut place) = self.read;
        let mut found = Vec::new();
        for letter in text.get(bytes..).unwrap_or_default().chars() {
            found.extend(self.take(letter, place));
            place += 1;
        }
        self.read = (text.len(), place);
        found
    }

    fn take(&mut self, letter: char, place: usize) -> Option<Link> {
        self.state = match std::mem::take(&mut self.state) {
            State::Escaped => State::Text,
            State::Closed(start) if letter == '(' => State::Target(Target::new(start)),
            State::Text | State::Closed(_) => self.text(letter, place),
            State::Target(target) => match target.take(letter) {
                Step::On(target) => State::Target(target),
                Step::Broken => self.text(letter, place),
                Step::Link(Target { start, url, .. }) => return Some(Link { url, start, end: place + 1 }),
            },
        };
        None
    }

    fn text(&mut self, letter: char, place: usize) -> State {
        match letter {
            '\\' => return State::Escaped,
            '\n' => self.open.clear(),
            '[' => {
                if self.open.len() == OPEN {
                    self.open.remove(0);
                }
                self.open.push(place);
            }
            ']' => return self.open.pop().map_or(State::Text, State::Closed),
            _ => {}
        }
        State::Text
    }
}

impl Target {
    fn new(start: usize) -> Self {
        Self { start, url: String::new(), depth: 0, part: Part::Url }
    }

    fn take(mut self, letter: char) -> Step {
        if letter == '\n' || self.url.len() > URL_BYTES {
            return Step::Broken;
        }
        match (self.part, letter) {
            (Part::Url, '<') if self.url.is_empty() => self.part = Part::Angled,
            (Part::Url, ' ' | '\t') if self.url.is_empty() => {}
            (Part::Url, ' ' | '\t') | (Part::Angled, '>') => self.part = Part::Behind,
            (Part::Url, ')') if self.depth == 0 => return Step::Link(self),
            (Part::Behind, ')') => return Step::Link(self),
            (Part::Behind, '"' | '\'') => self.part = Part::Title(letter),
            (Part::Title(quote), letter) if letter == quote => self.part = Part::Behind,
            (Part::Behind | Part::Title(_), _) => {}
            (Part::Url | Part::Angled, letter) => {
                match letter {
                    '(' => self.depth += 1,
                    ')' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                self.url.push(letter);
            }
        }
        Step::On(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<(String, String)> {
        let letters: Vec<char> = text.chars().collect();
        let links = Links::default().read(text);
        links.into_iter().map(|link| (letters[link.start..link.end].iter().collect(), link.url)).collect()
    }

    fn one(text: &str) -> (String, String) {
        let found = found(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        found.into_iter().next().unwrap()
    }

    #[test]
    fn a_link_spans_its_label_and_its_target() {
        for (text, span, url) in [
            ("See [a](https://a.b/c).", "[a](https://a.b/c)", "https://a.b/c"),
            ("é ([a [1] b](u))", "[a [1] b](u)", "u"),
            ("[w](https://e.org/x_(y)_z) z)", "[w](https://e.org/x_(y)_z)", "https://e.org/x_(y)_z"),
            ("[w]( <u v> \"a ) title\" ) x", "[w]( <u v> \"a ) title\" )", "u v"),
            ("![alt](u)", "[alt](u)", "u"),
            ("[[1]](u)", "[[1]](u)", "u"),
            ("[1] [2](u)", "[2](u)", "u"),
            ("[](u)", "[](u)", "u"),
        ] {
            assert_eq!(one(text), (span.to_owned(), url.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_link_is_none() {
        for text in ["[a] (u)", "\\[a](u)", "a](u)", "[a](u", "[a\n](u)", "[a](u\n)", "(u)", "[a][u]", "x[1]"]
        {
            assert_eq!(found(text), [], "{text}");
        }
        assert_eq!(found(&format!("[a]({})", "u".repeat(5000))), []);
        assert_eq!(one(&format!("{}[a](u)", "[".repeat(100_000))).1, "u");
    }

    #[test]
    fn a_broken_target_does_not_hide_the_next_link() {
        assert_eq!(found("[a](u\n[b](v)"), [("[b](v)".to_owned(), "v".to_owned())]);
        assert_eq!(found("[a](u) and [b](v)").len(), 2);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_text_is_cut(text in r#"([\[\]()<>"\\ \nuéx!]|\[a\]\(u\)){0,40}"#, cuts in proptest::collection::vec(0..60usize, 0..6)) {
            let mut links = Links::default();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| text.floor_char_boundary(cut)).collect();
            cuts.sort_unstable();
            cuts.push(text.len());
            let pieces: Vec<Link> = cuts.into_iter().flat_map(|cut| links.read(&text[..cut])).collect();
            prop_assert_eq!(pieces, Links::default().read(&text));
        }
    }
}
