//! Opening and closing.

use std::sync::Arc;

use parking_lot::Mutex;
use sqlx::AnyPool;
use tokio::task::JoinSet;

use crate::approvals::Approvals;
use crate::completions::Completions;
use crate::error::Error;
use crate::responses::Responses;
use crate::settings::Settings;
use crate::sql::approvals::SqlApprovals;
use crate::sql::checkpoint::Checkpoints;
use crate::sql::completions::SqlCompletions;
use crate::sql::pool::Database;
use crate::sql::responses::SqlResponses;
use crate::sql::writer::{Queue, Writer};

/// An open database. Clones share it.
#[derive(Clone)]
pub struct Store {
    /// Responses.
    pub responses: Arc<dyn Responses>,
    /// Chat completions.
    pub completions: Arc<dyn Completions>,
    /// Calls that wait for an approval.
    pub approvals: Arc<dyn Approvals>,
    readers: AnyPool,
    queue: Queue,
    tasks: Arc<Mutex<JoinSet<()>>>,
}

impl Store {
    /// Opens the database and brings its tables up to date. Runs on the runtime that calls it.
    ///
    /// Errors: [`Error::Open`], [`Error::Migrate`].
    pub async fn open(settings: &Settings) -> Result<Self, Error> {
        let database = Database::new(settings)?;
        let connection = database.migrated().await?;
        let readers = database.readers();
        let mut tasks = JoinSet::new();
        let (committed, checkpoints) = Checkpoints::new(database.clone());
        if database.has_log() {
            tasks.spawn(checkpoints.run());
        }
        let (queue, writer) = Writer::new(database, connection, committed);
        tasks.spawn(writer.run());
        Ok(Self {
            responses: Arc::new(SqlResponses::new(readers.clone(), queue.clone())),
            completions: Arc::new(SqlCompletions::new(readers.clone(), queue.clone())),
            approvals: Arc::new(SqlApprovals::new(readers.clone(), queue.clone())),
            readers,
            queue,
            tasks: Arc::new(Mutex::new(tasks)),
        })
    }

    /// Deletes at most `limit` expired responses, and as many completions and requests for approval, of all tenants.
    /// Returns the faults; where one kind cannot be deleted, the others are.
    pub async fn expire(&self, now: i64, limit: u32) -> Vec<Error> {
        let results = [
            self.responses.expire(now, limit).await,
            self.completions.expire(now, limit).await,
            self.approvals.expire(now, limit).await,
        ];
        results.into_iter().filter_map(Result::err).collect()
    }

    /// Commits what was queued and closes every connection. Later writes end with [`Error::Closed`].
    pub async fn close(&self) {
        self.queue.close().await;
        let mut tasks = std::mem::take(&mut *self.tasks.lock());
        while tasks.join_next().await.is_some() {}
        self.readers.close().await;
    }
}
