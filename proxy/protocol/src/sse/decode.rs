//! Bytes to frames: incremental, bounded, and without a copy of frames that arrive whole.

use memchr::{memchr, memchr2};

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One event of a stream. Fields other than these two are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The name; empty if there is none.
    pub event: &'a str,
    /// The data; several `data` lines are joined by LF.
    pub data: &'a [u8],
}

/// A frame grew beyond the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// The limit.
    pub limit_bytes: usize,
}

impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a frame of the event stream is longer than {} bytes", self.limit_bytes)
    }
}

impl std::error::Error for TooLong {}

/// Cuts a byte stream into frames. What it gives depends on the bytes alone, not on how they were split.
///
/// After an error it is of no further use. Source: WHATWG HTML, server-sent events, "Interpreting an event stream".
#[derive(Debug)]
pub struct Decoder {
    limit_bytes: usize,
    /// The beginning of a frame whose end has not arrived.
    held: Vec<u8>,
    /// Joins the lines of multi-line data.
    joined: Vec<u8>,
    /// True if the next byte begins a line.
    at_line_start: bool,
    /// True if the last byte was CR: an LF that follows belongs to it.
    after_cr: bool,
    /// True until the first frame, which may begin with a byte order mark.
    first: bool,
}

impl Decoder {
    /// `limit_bytes` bounds a frame as it stands on the wire, and with it what is held back between two calls.
    pub fn new(limit_bytes: usize) -> Self {
        let (held, joined) = (Vec::new(), Vec::new());
        Self { limit_bytes, held, joined, at_line_start: true, after_cr: false, first: true }
    }

    /// Reads the next bytes and gives every frame that they complete.
    ///
    /// Errors: [`TooLong`]; whatever `on_frame` returns, and then the rest of `bytes` is lost.
    pub fn feed<E: From<TooLong>>(
        &mut self,
        mut bytes: &[u8],
        mut on_frame: impl FnMut(Frame<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(last) = bytes.last() else { return Ok(()) };
        let ends_in_cr = *last == b'\r';
        if self.after_cr && bytes[0] == b'\n' {
            bytes = self.rest_of_line_end(bytes)?;
        }
        while let Some((end, next)) = self.frame_end(bytes) {
            self.bound(end)?;
            self.give(&bytes[..end], &mut on_frame)?;
            bytes = &bytes[next..];
        }
        self.bound(bytes.len())?;
        self.held.extend_from_slice(bytes);
        self.after_cr = ends_in_cr;
        Ok(())
    }

    /// Gives the last frame if its blank line never came.
    ///
    /// Errors: whatever `on_frame` returns.
    pub fn finish<E>(&mut self, mut on_frame: impl FnMut(Frame<'_>) -> Result<(), E>) -> Result<(), E> {
        self.at_line_start = true;
        self.give(&[], &mut on_frame)
    }

    /// Where the frame that began earlier or at the start of `bytes` ends, and where the next one begins.
    fn frame_end(&mut self, bytes: &[u8]) -> Option<(usize, usize)> {
        let mut line = 0;
        while let Some(length) = memchr2(b'\n', b'\r', &bytes[line..]) {
            let end = line + length;
            let next = if bytes[end..].starts_with(b"\r\n") { end + 2 } else { end + 1 };
            if length == 0 && self.at_line_start {
                return Some((end, next));
            }
            (line, self.at_line_start) = (next, true);
        }
        self.at_line_start = if line < bytes.len() { false } else { self.at_line_start };
        None
    }

    /// Takes the LF of a CRLF that was split; what is held keeps it, so that lengths do not depend on the split.
    fn rest_of_line_end<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], TooLong> {
        if !self.held.is_empty() {
            self.bound(1)?;
            self.held.push(b'\n');
        }
        Ok(&bytes[1..])
    }

    fn bound(&self, more_bytes: usize) -> Result<(), TooLong> {
        let limit_bytes = self.limit_bytes;
        if self.held.len().saturating_add(more_bytes) > limit_bytes {
            return Err(TooLong { limit_bytes });
        }
        Ok(())
    }

    fn give<E>(
        &mut self,
        tail: &[u8],
        on_frame: &mut impl FnMut(Frame<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let frame = if self.held.is_empty() {
            tail
        } else {
            self.held.extend_from_slice(tail);
            &self.held
        };
        let frame = if self.first { frame.strip_prefix(BOM).unwrap_or(frame) } else { frame };
        let given = parse(frame, &mut self.joined).map_or(Ok(()), on_frame);
        self.first = false;
        self.held.clear();
        given
    }
}

/// Reads the lines of one frame; `None` if it has no data.
fn parse<'a>(mut lines: &'a [u8], joined: &'a mut Vec<u8>) -> Option<Frame<'a>> {
    let (mut event, mut single, mut count) = ("", &[][..], 0_usize);
    while !lines.is_empty() {
        let end = memchr2(b'\n', b'\r', lines).unwrap_or(lines.len());
        let (name, value) = field(&lines[..end]);
        match name {
            b"data" => {
                append(joined, single, count);
                (single, count) = (value, count + 1);
            }
            b"event" => event = std::str::from_utf8(value).unwrap_or("\u{FFFD}"),
            _ => {}
        }
        lines = lines.get(end + 1..).unwrap_or_default();
    }
    if count > 1 {
        append(joined, single, count);
        return Some(Frame { event, data: joined });
    }
    (count == 1).then_some(Frame { event, data: single })
}

/// Keeps the line before this one, where there is more than one.
fn append(joined: &mut Vec<u8>, line: &[u8], count: usize) {
    match count {
        0 => {}
        1 => {
            joined.clear();
            joined.extend_from_slice(line);
        }
        _ => {
            joined.push(b'\n');
            joined.extend_from_slice(line);
        }
    }
}

/// Splits a line at its first colon and drops one space after it. A comment has an empty name.
fn field(line: &[u8]) -> (&[u8], &[u8]) {
    let Some(colon) = memchr(b':', line) else { return (line, &[]) };
    let value = &line[colon + 1..];
    (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
}

#[cfg(test)]
mod tests;
