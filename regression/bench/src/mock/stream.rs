//! The body of a streamed answer.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::time::Sleep;

use crate::clock;
use crate::mock::answer;
use crate::mock::control::Control;

/// An opening frame, content frames with pauses between them, a closing frame.
pub(crate) struct Frames {
    number: u64,
    opening: Option<String>,
    contents_left: u64,
    closing: Option<String>,
    pace: Duration,
    pause: Pause,
}

enum Pause {
    /// The next frame may leave.
    Over,
    /// The next frame has to wait.
    Due,
    /// The connection was told to write out what it has.
    Yielded,
    Sleeping(Pin<Box<Sleep>>),
}

impl Frames {
    pub(crate) fn new(number: u64, with_usage: bool, control: &Control) -> Self {
        Self {
            number,
            opening: Some(answer::opening(number)),
            contents_left: control.chunks(),
            closing: Some(answer::closing(number, with_usage)),
            pace: control.pace(),
            pause: Pause::Over,
        }
    }

    fn poll_pause(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.pause {
                Pause::Over => return Poll::Ready(()),
                Pause::Due if self.pace.is_zero() => {
                    self.pause = Pause::Yielded;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Pause::Due => self.pause = Pause::Sleeping(Box::pin(tokio::time::sleep(self.pace))),
                Pause::Yielded => self.pause = Pause::Over,
                Pause::Sleeping(sleep) => {
                    ready!(sleep.as_mut().poll(context));
                    self.pause = Pause::Over;
                }
            }
        }
    }

    fn poll_content(&mut self, context: &mut Context<'_>) -> Poll<String> {
        ready!(self.poll_pause(context));
        self.pause = Pause::Due;
        self.contents_left -= 1;
        Poll::Ready(answer::content(self.number, clock::monotonic_ns()))
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let text = if let Some(opening) = self.opening.take() {
            Some(opening)
        } else if self.contents_left > 0 {
            Some(ready!(self.poll_content(context)))
        } else {
            self.closing.take()
        };
        Poll::Ready(text.map(|text| Ok(Frame::data(Bytes::from(text)))))
    }
}
