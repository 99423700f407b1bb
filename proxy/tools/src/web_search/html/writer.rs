//! Writes the text of a page, tag by tag.

use url::Url;

use super::Read;

/// The longest text, in bytes; what follows is not read.
const TEXT: usize = 1 << 20;
const TITLE: usize = 300;
/// The longest label and the longest address of a link that is shown as one, in bytes.
const LABEL: usize = 300;
const ADDRESS: usize = 500;

pub(super) struct Writer {
    base: Url,
    title: Option<String>,
    text: String,
    gap: Gap,
    /// Begins the next text, such as `- ` of an item.
    prefix: &'static str,
    /// The element whose content is not shown, and how deep it is nested in itself.
    skipped: Option<(String, usize)>,
    /// How many `pre` are open.
    preformatted: usize,
    in_title: bool,
    link: Option<Link>,
}

/// What separates the next text from the last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Space,
    Cell,
    Line,
    Paragraph,
}

/// A link whose label is being written; it begins at the first text after its tag.
struct Link {
    url: String,
    start: Option<usize>,
}

impl Writer {
    pub(super) fn new(base: Url) -> Self {
        Self {
            base,
            title: None,
            text: String::new(),
            gap: Gap::None,
            prefix: "",
            skipped: None,
            preformatted: 0,
            in_title: false,
            link: None,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.text.len() >= TEXT
    }

    pub(super) fn finish(self) -> Read {
        let is_cut = self.is_full();
        Read { title: self.title.unwrap_or_default().trim().to_owned(), text: self.text, is_cut }
    }

    pub(super) fn begin(&mut self, name: &str, href: Option<&str>, is_closed: bool) {
        // Elements of HTML are not closed by a slash. Source: WHATWG HTML, 13.1.2.1.
        let is_closed = is_closed && matches!(name, "svg" | "math");
        if let Some((skipped, depth)) = &mut self.skipped {
            if skipped == name && !is_closed {
                *depth += 1;
            }
            return;
        }
        match name {
            _ if is_skipped(name) && !is_closed => self.skipped = Some((name.to_owned(), 1)),
            "title" => self.in_title = self.title.is_none(),
            "a" => self.link = href.and_then(|href| self.target(href)).map(|url| Link { url, start: None }),
            "pre" => {
                self.preformatted += 1;
                self.leave(Gap::Paragraph);
            }
            "td" | "th" => self.leave(Gap::Cell),
            _ => {
                self.leave(gap(name));
                self.prefix = prefix(name).unwrap_or(self.prefix);
            }
        }
    }

    pub(super) fn end(&mut self, name: &str) {
        if let Some((skipped, depth)) = &mut self.skipped {
            if skipped == name {
                *depth -= 1;
                if *depth == 0 {
                    self.skipped = None;
                }
            }
            return;
        }
        match name {
            "title" => self.in_title = false,
            "a" => self.close_link(),
            "pre" => {
                self.preformatted = self.preformatted.saturating_sub(1);
                self.text.truncate(self.text.trim_end().len());
                self.leave(Gap::Paragraph);
            }
            _ => {
                self.leave(gap(name));
                self.prefix = "";
            }
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        if self.skipped.is_some() || self.is_full() {
            return;
        }
        if self.in_title {
            return self.write_title(text);
        }
        if self.preformatted > 0 {
            return self.write_preformatted(text);
        }
        for (place, word) in
            text.split(|letter: char| letter.is_whitespace() && letter != '\u{a0}').enumerate()
        {
            if place > 0 {
                self.leave(Gap::Space);
            }
            if !word.is_empty() {
                self.write_gap();
                self.text.push_str(word);
            }
        }
    }

    /// Blanks count, but for the line ends where a line begins anyway.
    fn write_preformatted(&mut self, text: &str) {
        let text = if self.gap >= Gap::Line { text.trim_start_matches(['\r', '\n']) } else { text };
        if !text.is_empty() {
            self.write_gap();
            self.text.push_str(text);
        }
    }

    fn write_title(&mut self, text: &str) {
        let title = self.title.get_or_insert_default();
        for word in text.split_whitespace() {
            if title.len() + word.len() < TITLE {
                if !title.is_empty() {
                    title.push(' ');
                }
                title.push_str(word);
            }
        }
    }

    fn leave(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    fn write_gap(&mut self) {
        let gap = match std::mem::replace(&mut self.gap, Gap::None) {
            _ if self.text.is_empty() => "",
            Gap::None => "",
            Gap::Space => " ",
            Gap::Cell if self.text.ends_with('\n') => "",
            Gap::Cell => " | ",
            Gap::Line => "\n",
            Gap::Paragraph => "\n\n",
        };
        self.text.push_str(gap);
        self.text.push_str(std::mem::take(&mut self.prefix));
        if let Some(link) = &mut self.link {
            link.start.get_or_insert(self.text.len());
        }
    }

    fn target(&self, href: &str) -> Option<String> {
        let href = href.trim();
        if href.is_empty() || href.starts_with('#') || href.len() > ADDRESS {
            return None;
        }
        let url = self.base.join(href).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        (url.as_str().len() <= ADDRESS).then(|| url.into())
    }

    /// A label on one line becomes `[label](url)`; of other links only the label is shown.
    fn close_link(&mut self) {
        let Some(Link { url, start: Some(start) }) = self.link.take() else { return };
        let Some(label) = self.text.get(start..) else { return };
        if !label.is_empty() && label.len() <= LABEL && !label.contains('\n') {
            self.text.insert(start, '[');
            self.text.push_str(&format!("]({url})"));
        }
    }
}

/// What nobody reads.
fn is_skipped(name: &str) -> bool {
    matches!(
        name,
        "script"
            | "style"
            | "template"
            | "noscript"
            | "svg"
            | "math"
            | "select"
            | "textarea"
            | "iframe"
            | "object"
            | "noembed"
            | "noframes"
            | "canvas"
    )
}

fn gap(name: &str) -> Gap {
    match name {
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "dl" | "table" | "blockquote"
        | "article" | "section" | "header" | "footer" | "main" | "nav" | "aside" | "figure" | "hr"
        | "form" | "body" => Gap::Paragraph,
        "div" | "li" | "br" | "tr" | "dt" | "dd" | "caption" | "figcaption" | "address" | "details"
        | "summary" | "fieldset" | "legend" | "option" | "label" => Gap::Line,
        _ => Gap::None,
    }
}

fn prefix(name: &str) -> Option<&'static str> {
    Some(match name {
        "h1" => "# ",
        "h2" => "## ",
        "h3" => "### ",
        "h4" => "#### ",
        "h5" => "##### ",
        "h6" => "###### ",
        "li" => "- ",
        _ => return None,
    })
}
