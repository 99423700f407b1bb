//! What the client looks for in an answer.

use memchr::{memchr, memmem};

use crate::{clock, stamp};

/// Times of the content chunks of one answer.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    pub(crate) first_ns: Option<u64>,
    pub(crate) transit_ns: Vec<u64>,
}

/// Reads an answer as it arrives. Only lines with a delta count as content, since the last events of a Responses stream
/// hold the whole text again.
pub(crate) struct Reader<'a> {
    expect: memmem::Finder<'a>,
    is_stream: bool,
    rest: Vec<u8>,
    is_complete: bool,
    marks: Marks,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(expect: &'a str, is_stream: bool) -> Self {
        let expect = memmem::Finder::new(expect);
        Self { expect, is_stream, rest: Vec::new(), is_complete: false, marks: Marks::default() }
    }

    /// Takes the next bytes of the body.
    pub(crate) fn feed(&mut self, mut piece: &[u8]) {
        while self.is_stream
            && let Some(end) = memchr(b'\n', piece)
        {
            let (line, rest) = piece.split_at(end);
            piece = &rest[1..];
            if self.rest.is_empty() {
                self.line(line);
            } else {
                self.rest.extend_from_slice(line);
                let line = std::mem::take(&mut self.rest);
                self.line(&line);
            }
        }
        self.rest.extend_from_slice(piece);
    }

    /// The body after the last line; of an answer that is no stream, all of it.
    pub(crate) fn body(&self) -> &[u8] {
        &self.rest
    }

    /// Errors: what was expected did not come.
    pub(crate) fn finish(self) -> Result<Marks, String> {
        if self.is_complete || self.expect.find(&self.rest).is_some() {
            return Ok(self.marks);
        }
        let start = String::from_utf8_lossy(&self.rest[..self.rest.len().min(300)]).into_owned();
        Err(format!("incomplete answer: {start}"))
    }

    fn line(&mut self, line: &[u8]) {
        let Some(event) = line.strip_prefix(b"data:") else { return };
        self.is_complete |= self.expect.find(event).is_some();
        if memmem::find(event, br#""delta":"#).is_none() {
            return;
        }
        let now_ns = clock::monotonic_ns();
        for sent_ns in stamp::read(event) {
            self.marks.first_ns.get_or_insert(now_ns);
            self.marks.transit_ns.push(now_ns.saturating_sub(sent_ns));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_found_across_pieces_and_counted_once() {
        let stamp = stamp::write(5);
        let stream = format!(
            "data: {{\"delta\":\"{stamp} \"}}\n\ndata: {{\"delta\":\"{stamp}\"}}\n\ndata: {{\"text\":\"{stamp}\"}}\n\ndata: [DONE]\n\n"
        );
        for size in 1..stream.len() {
            let mut reader = Reader::new("[DONE]", true);
            stream.as_bytes().chunks(size).for_each(|piece| reader.feed(piece));
            assert_eq!(reader.finish().unwrap().transit_ns.len(), 2, "pieces of {size}");
        }
    }

    #[test]
    fn an_answer_without_its_end_is_an_error() {
        let mut reader = Reader::new("[DONE]", true);
        reader.feed(b"data: {\"delta\":\"\"}\n\n");
        assert!(reader.finish().is_err());
    }
}
