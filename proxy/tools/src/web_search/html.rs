//! A page in HTML → text that a model reads.
//!
//! Tags are taken one by one and no tree is built: what a hostile page costs is bounded by its length.

mod writer;

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use url::Url;

use writer::Writer;

/// Between looks at whether anybody still waits.
const CHUNK: usize = 16 << 10;

/// A page as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) title: String,
    pub(super) text: String,
    /// Whether there was more than is read.
    pub(super) is_cut: bool,
}

/// Reads a page whose links are relative to `base`. `None` once `is_over` says that nobody waits.
///
/// Shape: a line for each paragraph, `#` before headings, `-` before items, `|` between cells, `[label](url)` for links.
pub(super) fn read(html: &str, base: &Url, is_over: &dyn Fn() -> bool) -> Option<Read> {
    let sink = Sink(RefCell::new(Writer::new(base.clone())));
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let input = BufferQueue::default();
    let mut rest = html;
    while !rest.is_empty() && !tokenizer.sink.0.borrow().is_full() {
        if is_over() {
            return None;
        }
        let (chunk, later) = rest.split_at(rest.floor_char_boundary(CHUNK));
        rest = later;
        input.push_back(StrTendril::from(chunk));
        // This sink never asks the tokenizer to stop.
        let _ = tokenizer.feed(&input);
    }
    tokenizer.end();
    Some(tokenizer.sink.0.into_inner().finish())
}

/// The text of a fragment, without tags and with its entities resolved.
pub(super) fn plain(fragment: &str) -> String {
    if !fragment.contains(['<', '&']) {
        return fragment.to_owned();
    }
    let base = Url::parse("https://fragment.invalid/");
    base.ok().and_then(|base| read(fragment, &base, &|| false)).unwrap_or_default().text
}

struct Sink(RefCell<Writer>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut writer = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) => writer.text(&text),
            Token::TagToken(tag) => {
                match tag.kind {
                    TagKind::StartTag => writer.begin(&tag.name, href(&tag), tag.self_closing),
                    TagKind::EndTag => writer.end(&tag.name),
                }
                return raw(&tag);
            }
            Token::DoctypeToken(_)
            | Token::CommentToken(_)
            | Token::NullCharacterToken
            | Token::EOFToken
            | Token::ParseError(_) => {}
        }
        TokenSinkResult::Continue
    }
}

fn href(tag: &Tag) -> Option<&str> {
    tag.attrs.iter().find(|attribute| &*attribute.name.local == "href").map(|attribute| &*attribute.value)
}

/// In these elements tags are text. Source: WHATWG HTML, 13.2.6.
fn raw(tag: &Tag) -> TokenSinkResult<()> {
    if tag.kind == TagKind::EndTag {
        return TokenSinkResult::Continue;
    }
    match &*tag.name {
        "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
        "style" | "xmp" | "iframe" | "noembed" | "noframes" => TokenSinkResult::RawData(RawKind::Rawtext),
        "script" => TokenSinkResult::RawData(RawKind::ScriptData),
        "plaintext" => TokenSinkResult::Plaintext,
        _ => TokenSinkResult::Continue,
    }
}

#[cfg(test)]
mod tests;
