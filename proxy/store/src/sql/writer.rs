//! One task writes: all writes that wait are committed together.

use std::time::Duration;

use sqlx::AnyConnection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use crate::error::Error;
use crate::sql::checkpoint::Committed;
use crate::sql::group::{Claim, Intake, Job, Message};
use crate::sql::pool::{ACQUIRE, Database, patience};
use crate::sql::write::{Write, apply};

const QUEUE: usize = 1024;
/// What was too slow: the writes of a transaction, which are not done then.
pub(super) const WRITE: &str = "write";
/// How long writes are tried alone whose group failed.
const ALONE: Duration = Duration::from_secs(10);

/// The way to the writer.
#[derive(Clone, Debug)]
pub(crate) struct Queue(mpsc::Sender<Message>);

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
    intake: Intake,
    database: Database,
    connection: Option<AnyConnection>,
    committed: Committed,
}

impl Writer {
    pub(crate) fn new(database: Database, connection: AnyConnection, committed: Committed) -> (Queue, Self) {
        let (sender, messages) = mpsc::channel(QUEUE);
        (
            Queue(sender),
            Self { intake: Intake::new(messages), database, connection: Some(connection), committed },
        )
    }

    /// Runs until the queue is closed and empty.
    pub(crate) async fn run(mut self) {
        while let Some(group) = self.intake.next().await {
            self.serve(group).await;
        }
        self.hang_up().await;
    }

    /// Commits a group. If the database refuses it, or is not done in time, each write is tried alone, so that one cannot
    /// spoil the others.
    async fn serve(&mut self, group: Vec<Job>) {
        if group.is_empty() {
            return;
        }
        let writes: Vec<&Write> = group.iter().map(|job| &job.write).collect();
        match self.commit(&writes).await {
            Ok(counts) => group.into_iter().zip(counts).for_each(|(job, count)| job.answer(Ok(count))),
            Err(error) if group.len() == 1 || !may_be_of_one(&error) => {
                group.into_iter().for_each(|job| job.answer(Err(error.clone())));
            }
            Err(_) => self.serve_alone(group).await,
        }
    }

    /// Commits each write of a group alone. Where many of them are slow, the last are not begun.
    async fn serve_alone(&mut self, group: Vec<Job>) {
        let until = Instant::now() + ALONE;
        for job in group {
            let result = match Instant::now() < until {
                true => self.commit(&[&job.write]).await,
                false => Err(Error::TooSlow(WRITE)),
            };
            job.answer(result.map(|counts| counts.iter().sum()));
        }
    }

    /// A connection that failed in another way than by refusing a statement is not used again.
    async fn commit(&mut self, writes: &[&Write]) -> Result<Vec<u64>, Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.database.connect().await?),
        };
        let size_bytes = writes.iter().map(|write| write.size_bytes()).sum();
        let result = committed(connection, writes, patience(size_bytes)).await;
        match &result {
            Ok(_) => self.committed.add(writes.len(), size_bytes),
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

/// True if one write of a group can be the reason, and none of them is done.
fn may_be_of_one(error: &Error) -> bool {
    !error.is_transient() || matches!(error, Error::TooSlow(WRITE))
}

/// Errors: [`Error::TooSlow`]; of a commit that is too slow nobody knows whether it is done.
async fn committed(
    connection: &mut AnyConnection,
    writes: &[&Write],
    patience: Duration,
) -> Result<Vec<u64>, Error> {
    let Ok(applied) = timeout(patience, apply(connection, writes)).await else {
        return Err(Error::TooSlow(WRITE));
    };
    let (transaction, counts) = applied?;
    match timeout(patience, transaction.commit()).await {
        Ok(committed) => committed?,
        Err(_) => return Err(Error::TooSlow("commit")),
    }
    Ok(counts)
}
