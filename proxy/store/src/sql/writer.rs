//! One task writes: all writes that wait are committed together.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::AnyConnection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::error::Error;
use crate::sql::checkpoint::Committed;
use crate::sql::pool::{ACQUIRE, Database, STATEMENT};
use crate::sql::write::{Write, commit};

const QUEUE: usize = 1024;
const GROUP: usize = 128;
const GROUP_BYTES: usize = 8 << 20;

/// The way to the writer.
#[derive(Clone, Debug)]
pub(crate) struct Queue(mpsc::Sender<Message>);

#[derive(Debug)]
enum Message {
    Write(Job),
    Close,
}

/// A write and the one who waits for it.
#[derive(Debug)]
struct Job {
    write: Write,
    claim: Claim,
    done: oneshot::Sender<Result<u64, Error>>,
}

/// Belongs to the first who takes it: the writer who begins the write, or the caller who gives up before.
#[derive(Clone, Debug, Default)]
struct Claim(Arc<AtomicBool>);

impl Claim {
    fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

impl Queue {
    /// Writes and returns how many rows changed, after the commit.
    ///
    /// Errors: [`Error::TooSlow`] if the write was not begun in time; it is not done then.
    pub(crate) async fn write(&self, write: Write) -> Result<u64, Error> {
        const LATE: Error = Error::TooSlow("begin to write");
        let (done, mut answer) = oneshot::channel();
        let claim = Claim::default();
        let job = Message::Write(Job { write, claim: claim.clone(), done });
        let begun = async {
            self.0.send(job).await.map_err(|_| Error::Closed)?;
            (&mut answer).await.map_err(|_| Error::Closed)?
        };
        match timeout(ACQUIRE, begun).await {
            Ok(result) => result,
            Err(_) if claim.take() => Err(LATE),
            Err(_) => answer.await.map_err(|_| Error::Closed)?,
        }
    }

    /// Lets the writer end after what is queued.
    pub(crate) async fn close(&self) {
        // A send that fails finds the writer gone, which is what is wanted.
        let _ = self.0.send(Message::Close).await;
    }
}

/// The task that writes.
pub(crate) struct Writer {
    messages: mpsc::Receiver<Message>,
    database: Database,
    connection: Option<AnyConnection>,
    committed: Committed,
}

impl Writer {
    pub(crate) fn new(database: Database, connection: AnyConnection, committed: Committed) -> (Queue, Self) {
        let (sender, messages) = mpsc::channel(QUEUE);
        (Queue(sender), Self { messages, database, connection: Some(connection), committed })
    }

    /// Runs until the queue is closed and empty.
    pub(crate) async fn run(mut self) {
        while let Some(message) = self.messages.recv().await {
            let group = self.group(message);
            self.serve(group).await;
        }
        self.hang_up().await;
    }

    /// Takes what waits, within bounds.
    fn group(&mut self, first: Message) -> Vec<Job> {
        let (mut group, mut size_bytes) = (Vec::new(), 0);
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Close => self.messages.close(),
                Message::Write(job) if job.claim.take() => {
                    size_bytes += job.write.size_bytes();
                    group.push(job);
                }
                Message::Write(_) => {}
            }
            let is_full = group.len() >= GROUP || size_bytes >= GROUP_BYTES;
            next = if is_full { None } else { self.messages.try_recv().ok() };
        }
        group
    }

    /// Commits a group. If the database refuses it, each write is tried alone, so that one cannot spoil the others.
    async fn serve(&mut self, group: Vec<Job>) {
        if group.is_empty() {
            return;
        }
        let writes: Vec<&Write> = group.iter().map(|job| &job.write).collect();
        match self.commit(&writes).await {
            Ok(counts) => group.into_iter().zip(counts).for_each(|(job, count)| job.answer(Ok(count))),
            Err(error) if group.len() == 1 || error.is_transient() => {
                group.into_iter().for_each(|job| job.answer(Err(error.clone())));
            }
            Err(_) => {
                for job in group {
                    let result = self.commit(&[&job.write]).await;
                    job.answer(result.map(|counts| counts.iter().sum()));
                }
            }
        }
    }

    /// A connection that failed in another way than by refusing a statement is not used again.
    async fn commit(&mut self, writes: &[&Write]) -> Result<Vec<u64>, Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.database.connect().await?),
        };
        let result = match timeout(STATEMENT, commit(connection, writes)).await {
            Ok(result) => result.map_err(Error::from),
            Err(_) => Err(Error::TooSlow("write")),
        };
        match &result {
            Ok(_) => self.committed.add(writes.len(), writes.iter().map(|write| write.size_bytes()).sum()),
            Err(error) if error.is_transient() => self.connection = None,
            Err(_) => {}
        }
        result
    }

    async fn hang_up(&mut self) {
        use sqlx::Connection;
        let Some(connection) = self.connection.take() else { return };
        if let Err(error) = connection.close().await {
            tracing::warn!(%error, "The connection to the store did not close cleanly");
        }
    }
}

impl Job {
    /// A caller that is gone needs no answer.
    fn answer(self, result: Result<u64, Error>) {
        let _ = self.done.send(result);
    }
}
