//! Groups of writes: what waits is taken together, within bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{mpsc, oneshot};

use crate::error::Error;
use crate::sql::write::Write;

const GROUP: usize = 128;
const GROUP_BYTES: usize = 8 << 20;
/// A write that carries so much has a group of its own, so that its time is not that of others.
const LARGE: usize = 1 << 20;

#[derive(Debug)]
pub(super) enum Message {
    Write(Job),
    Close,
}

/// A write and the one who waits for it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) write: Write,
    pub(super) claim: Claim,
    pub(super) done: oneshot::Sender<Result<u64, Error>>,
}

/// Belongs to the first who takes it: the writer who begins the write, or the caller who gives up before.
#[derive(Clone, Debug, Default)]
pub(super) struct Claim(Arc<AtomicBool>);

impl Claim {
    pub(super) fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

impl Job {
    /// A caller that is gone needs no answer.
    pub(super) fn answer(self, result: Result<u64, Error>) {
        let _ = self.done.send(result);
    }

    fn is_large(&self) -> bool {
        self.write.size_bytes() >= LARGE
    }
}

/// Where writes come in.
#[derive(Debug)]
pub(super) struct Intake {
    messages: mpsc::Receiver<Message>,
    /// A large write that came while a group of others was taken; it is next.
    held: Option<Job>,
}

impl Intake {
    pub(super) fn new(messages: mpsc::Receiver<Message>) -> Self {
        Self { messages, held: None }
    }

    /// The next group, which may be empty; `None` once the queue is closed and all was taken.
    pub(super) async fn next(&mut self) -> Option<Vec<Job>> {
        let first = match self.held.take() {
            Some(job) => Message::Write(job),
            None => self.messages.recv().await?,
        };
        Some(self.group(first))
    }

    fn group(&mut self, first: Message) -> Vec<Job> {
        let (mut group, mut size_bytes) = (Vec::new(), 0);
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Close => self.messages.close(),
                Message::Write(job) if job.is_large() && !group.is_empty() => {
                    self.held = Some(job);
                    break;
                }
                Message::Write(job) if job.claim.take() => {
                    size_bytes += job.write.size_bytes();
                    group.push(job);
                }
                Message::Write(_) => {}
            }
            let is_alone = group.first().is_some_and(Job::is_large);
            let is_full = is_alone || group.len() >= GROUP || size_bytes >= GROUP_BYTES;
            next = if is_full { None } else { self.messages.try_recv().ok() };
        }
        group
    }
}

#[cfg(test)]
mod tests {
    use protocol::id::Tenant;

    use super::*;
    use crate::sql::rows::CompletionRow;

    fn message(size_bytes: usize) -> Message {
        let stored = crate::completions::NewCompletion::default();
        let row = CompletionRow::new(&Tenant::new("red"), stored).unwrap();
        let row = CompletionRow { body: "x".repeat(size_bytes), ..row };
        let write = Write::Completion(Box::new(row));
        Message::Write(Job { write, claim: Claim::default(), done: oneshot::channel().0 })
    }

    async fn groups(messages: impl IntoIterator<Item = Message>) -> Vec<usize> {
        let (sender, receiver) = mpsc::channel(1024);
        messages.into_iter().for_each(|message| sender.try_send(message).unwrap());
        drop(sender);
        let (mut intake, mut sizes) = (Intake::new(receiver), Vec::new());
        while let Some(group) = intake.next().await {
            sizes.push(group.len());
        }
        sizes
    }

    #[tokio::test]
    async fn a_large_write_has_a_group_of_its_own_in_its_turn() {
        assert_eq!(groups([1, 1, LARGE, 1, LARGE, LARGE, 1].map(message)).await, [2, 1, 1, 1, 1, 1]);
        assert_eq!(groups((0..GROUP + 2).map(|_| message(1))).await, [GROUP, 2]);
    }

    #[tokio::test]
    async fn a_large_write_that_waits_is_written_when_the_queue_closes() {
        assert_eq!(groups([message(1), message(LARGE), Message::Close]).await, [1, 1, 0]);
    }

    #[tokio::test]
    async fn a_write_that_was_given_up_is_not_begun() {
        let given_up = message(LARGE);
        let Message::Write(job) = &given_up else { panic!("no write") };
        assert!(job.claim.take());
        assert_eq!(groups([message(1), given_up, message(1)]).await, [1, 1]);
    }
}
