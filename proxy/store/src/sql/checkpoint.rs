//! Folds SQLite's log back into the database beside the writer, so that no commit waits for it.

use sqlx::{AnyConnection, Connection};
use tokio::sync::watch;

use crate::error::Error;
use crate::sql::pool::Database;

/// How much is written between two checkpoints.
const WRITES: usize = 512;
const BYTES: usize = 2 << 20;

const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// The writer's side: counts what was committed.
#[derive(Debug)]
pub(crate) struct Committed {
    writes: usize,
    bytes: usize,
    due: watch::Sender<()>,
}

/// The task that makes checkpoints; it ends with the writer.
pub(crate) struct Checkpoints {
    due: watch::Receiver<()>,
    database: Database,
}

impl Committed {
    /// Tells the task if a checkpoint is due.
    pub(crate) fn add(&mut self, writes: usize, bytes: usize) {
        self.writes += writes;
        self.bytes += bytes;
        if self.writes >= WRITES || self.bytes >= BYTES {
            (self.writes, self.bytes) = (0, 0);
            self.due.send_replace(());
        }
    }
}

impl Checkpoints {
    pub(crate) fn new(database: Database) -> (Committed, Self) {
        let (sender, due) = watch::channel(());
        (Committed { writes: 0, bytes: 0, due: sender }, Self { due, database })
    }

    /// Runs until the writer is gone. A checkpoint that fails is made good by the next, or by SQLite in a commit.
    pub(crate) async fn run(mut self) {
        let mut connection = None;
        while self.due.changed().await.is_ok() {
            if let Err(error) = self.make(&mut connection).await {
                tracing::warn!(%error, "The log of the store was not folded back");
                connection = None;
            }
        }
        if let Some(Err(error)) = close(connection).await {
            tracing::warn!(%error, "The connection for checkpoints did not close cleanly");
        }
    }

    async fn make(&self, connection: &mut Option<AnyConnection>) -> Result<(), Error> {
        let connection = match connection {
            Some(connection) => connection,
            none => none.insert(self.database.connect().await?),
        };
        sqlx::raw_sql(CHECKPOINT).execute(connection).await?;
        Ok(())
    }
}

async fn close(connection: Option<AnyConnection>) -> Option<Result<(), sqlx::Error>> {
    Some(connection?.close().await)
}
