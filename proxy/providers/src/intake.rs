//! The bytes of an answer, whichever form it has: servers stream when they were not asked to, and the other way round.

use agent::model::ModelError;
use protocol::sse::decode::{Decoder as Frames, Frame, TooLong};

use crate::fault;

/// The bound of one answer.
const ANSWER_BYTES: usize = 64 << 20;

/// What was read of an answer.
pub(crate) struct Intake {
    form: Form,
    read_bytes: usize,
    bound: Bound,
}

/// The bound of one event.
#[derive(Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) event_bytes: usize,
    /// What is said of an event beyond it.
    pub(crate) too_long: &'static str,
}

enum Form {
    /// Nothing but blanks so far.
    Unknown(Vec<u8>),
    Stream(Frames),
    Whole(Vec<u8>),
}

/// What the answer is at its end.
pub(crate) enum Ended {
    /// Nothing that could be told apart.
    Nothing,
    /// One text.
    Whole(Vec<u8>),
    /// A stream, and what came of its last frame.
    Stream(Result<(), ModelError>),
}

enum Fault {
    Model(ModelError),
    TooLong,
}

impl From<TooLong> for Fault {
    fn from(_: TooLong) -> Self {
        Self::TooLong
    }
}

impl Intake {
    pub(crate) fn new(bound: Bound) -> Self {
        Self { form: Form::Unknown(Vec::new()), read_bytes: 0, bound }
    }

    /// True once it is known to be no stream.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.form, Form::Whole(_))
    }

    /// Takes a piece of the body in; `take` is given the frames that it ends.
    ///
    /// Errors: what `take` fails with; the answer or an event is too long.
    pub(crate) fn feed(
        &mut self,
        piece: &[u8],
        take: impl FnMut(Frame<'_>) -> Result<(), ModelError>,
    ) -> Result<(), ModelError> {
        self.read_bytes = self.read_bytes.saturating_add(piece.len());
        if self.read_bytes > ANSWER_BYTES {
            return Err(fault::malformed("it is too long"));
        }
        let Form::Unknown(head) = &mut self.form else { return self.pass(piece, take) };
        head.extend_from_slice(piece);
        let Some(is_stream) = is_stream(head) else { return Ok(()) };
        let head = std::mem::take(head);
        let stream = || Form::Stream(Frames::new(self.bound.event_bytes));
        self.form = if is_stream { stream() } else { Form::Whole(Vec::new()) };
        self.pass(&head, take)
    }

    fn pass(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(Frame<'_>) -> Result<(), ModelError>,
    ) -> Result<(), ModelError> {
        match &mut self.form {
            Form::Unknown(_) => Ok(()),
            Form::Whole(body) => {
                body.extend_from_slice(bytes);
                Ok(())
            }
            Form::Stream(frames) => {
                frames.feed(bytes, |frame| take(frame).map_err(Fault::Model)).map_err(|fault| match fault {
                    Fault::Model(error) => error,
                    Fault::TooLong => fault::malformed(self.bound.too_long),
                })
            }
        }
    }

    /// The body is over; `take` is given a last frame that nothing ended.
    pub(crate) fn end(&mut self, take: impl FnMut(Frame<'_>) -> Result<(), ModelError>) -> Ended {
        match &mut self.form {
            Form::Unknown(_) => Ended::Nothing,
            Form::Whole(body) => Ended::Whole(std::mem::take(body)),
            Form::Stream(frames) => Ended::Stream(frames.finish(take)),
        }
    }
}

/// By the first byte that is no blank: a stream begins with a field name or a comment. `None` if there is none yet; the
/// blanks are dropped then, so that they are looked at once.
fn is_stream(head: &mut Vec<u8>) -> Option<bool> {
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    match text.first() {
        None => {
            head.clear();
            None
        }
        Some(b':' | b'd' | b'e' | b'i' | b'r') => Some(true),
        Some(0xEF) if head.len() < 3 => None,
        Some(_) => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_of_blanks_is_not_kept() {
        let mut head = Vec::new();
        for (piece, left, expected) in [
            (&b"\xEF\xBB"[..], 2, None),
            (b"\xBF \r\n", 0, None),
            (b"\n\n  ", 0, None),
            (b"\n", 0, None),
            (b" data: 1", 8, Some(true)),
        ] {
            head.extend_from_slice(piece);
            assert_eq!((is_stream(&mut head), head.len()), (expected, left), "{piece:?}");
        }
        assert_eq!(is_stream(&mut b"  {\"a\":1}".to_vec()), Some(false));
        assert_eq!(is_stream(&mut b"\xEF\xBB\xBF{".to_vec()), Some(false));
    }
}
