//! Reasoning that a model puts in front of its text, between `<think>` and `</think>`.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Parts text from reasoning; what could be the beginning of a tag waits for more.
#[derive(Debug, Default)]
pub(crate) struct Think {
    state: State,
    held: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing but blanks was said: a tag may follow.
    #[default]
    Before,
    Inside,
    /// The tag was closed: blanks before the text are left out.
    Closed,
    /// Text is text.
    Text,
}

/// What a piece of text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Thought(String),
    Text(String),
}

impl Think {
    /// True if text needs no look: it can be passed as it is.
    pub(crate) fn is_over(&self) -> bool {
        self.state == State::Text
    }

    /// Takes the next piece of text and says what is decided of it.
    pub(crate) fn push(&mut self, text: &str, said: &mut impl FnMut(Said)) {
        self.held.push_str(text);
        while self.step(said) {}
    }

    /// Says what waits, because nothing follows.
    pub(crate) fn flush(&mut self, said: &mut impl FnMut(Said)) {
        let held = std::mem::take(&mut self.held);
        match self.state {
            _ if held.is_empty() => {}
            State::Inside => said(Said::Thought(held)),
            State::Before | State::Text => said(Said::Text(held)),
            State::Closed => {}
        }
    }

    /// True if there may be more to say of what is held.
    fn step(&mut self, said: &mut impl FnMut(Said)) -> bool {
        match self.state {
            State::Before => self.before(),
            State::Inside => self.inside(said),
            State::Closed => self.closed(),
            State::Text => {
                let text = std::mem::take(&mut self.held);
                if !text.is_empty() {
                    said(Said::Text(text));
                }
                false
            }
        }
    }

    fn before(&mut self) -> bool {
        let begin = self.held.trim_start();
        if let Some(rest) = begin.strip_prefix(OPEN) {
            self.held = rest.to_owned();
            self.state = State::Inside;
            return true;
        }
        if OPEN.starts_with(begin) {
            return false;
        }
        self.state = State::Text;
        true
    }

    fn inside(&mut self, said: &mut impl FnMut(Said)) -> bool {
        if let Some(at) = self.held.find(CLOSE) {
            let rest = self.held.split_off(at + CLOSE.len());
            let mut thought = std::mem::replace(&mut self.held, rest);
            thought.truncate(at);
            if !thought.is_empty() {
                said(Said::Thought(thought));
            }
            self.state = State::Closed;
            return true;
        }
        let kept = tail_of_tag(&self.held);
        let tail = self.held.split_off(self.held.len() - kept);
        let thought = std::mem::replace(&mut self.held, tail);
        if !thought.is_empty() {
            said(Said::Thought(thought));
        }
        false
    }

    fn closed(&mut self) -> bool {
        let text = self.held.trim_start();
        if text.is_empty() {
            self.held.clear();
            return false;
        }
        self.held = text.to_owned();
        self.state = State::Text;
        true
    }
}

/// Bytes at the end that could begin the closing tag.
fn tail_of_tag(text: &str) -> usize {
    let longest = text.len().min(CLOSE.len() - 1);
    (1..=longest).rev().find(|length| text.ends_with(&CLOSE[..*length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(pieces: &[&str]) -> (String, String) {
        let (mut think, mut thought, mut text) = (Think::default(), String::new(), String::new());
        let mut take = |said: Said| match said {
            Said::Thought(piece) => thought.push_str(&piece),
            Said::Text(piece) => text.push_str(&piece),
        };
        pieces.iter().for_each(|piece| think.push(piece, &mut take));
        think.flush(&mut take);
        (thought, text)
    }

    #[test]
    fn text_without_a_tag_is_text() {
        assert_eq!(
            said(&["\n Hel", "lo <think>x</think>"]),
            (String::new(), "\n Hello <think>x</think>".into())
        );
    }

    #[test]
    fn a_lonely_beginning_of_a_tag_is_text() {
        assert_eq!(said(&["<thi"]), (String::new(), "<thi".into()));
    }

    #[test]
    fn an_open_thought_stays_a_thought() {
        assert_eq!(said(&["<think>so </thi"]), ("so </thi".into(), String::new()));
    }

    proptest! {
        #[test]
        fn tags_may_be_split_anywhere(thought in "[a-z<é/ ]{0,12}", text in "[a-z<é]{0,8}", cuts in prop::collection::vec(0usize..60, 0..4)) {
            let whole = format!("<think>{thought}</think>\n\n{text}");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| whole.floor_char_boundary(cut.min(whole.len()))).collect();
            cuts.extend([0, whole.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&str> = cuts.windows(2).map(|pair| &whole[pair[0]..pair[1]]).collect();
            prop_assert_eq!(said(&pieces), (thought, text));
        }
    }
}
