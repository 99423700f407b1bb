//! Connections.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Once};
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Connection};
use tokio::time::timeout;

use crate::error::Error;
use crate::settings::Settings;

/// How long a caller waits for a connection, or a write for its turn; short of the second in which callers are told.
pub(crate) const ACQUIRE: Duration = Duration::from_millis(900);
/// How long a statement, or the transaction of a group, may take; more where it carries much.
pub(crate) const STATEMENT: Duration = Duration::from_secs(2);
/// The slowest way to a database that is still used: 4 MB/s.
const BYTES_PER_MS: u64 = 4096;
const SQLITE_READERS: u32 = 4;

/// Durable at every commit; waits for other processes as long as a statement may take. The page cache of a connection
/// is 4 MiB. The log is folded back beside the writer; a commit does it only where that fell behind by 32 MiB.
const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
    PRAGMA busy_timeout = 2000; PRAGMA cache_size = -4096; PRAGMA wal_autocheckpoint = 8000;
    PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY;";

/// How long the transaction of a group may take that carries so much.
pub(crate) fn patience(size_bytes: usize) -> Duration {
    STATEMENT + Duration::from_millis(u64::try_from(size_bytes).unwrap_or(u64::MAX) / BYTES_PER_MS)
}

/// Makes connections to one database.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    options: AnyConnectOptions,
    readers: u32,
    is_sqlite: bool,
}

impl Database {
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        let (url, readers, is_sqlite) = match settings {
            Settings::Sqlite { path } => (sqlite_url(path)?, SQLITE_READERS, true),
            Settings::Postgres { url, max_connections } => (url.clone(), *max_connections, false),
        };
        let options = AnyConnectOptions::from_str(&url).map_err(|source| Error::Open(Arc::new(source)))?;
        Ok(Self { options: options.disable_statement_logging(), readers, is_sqlite })
    }

    /// Connects and brings the tables up to date.
    pub(crate) async fn migrated(&self) -> Result<AnyConnection, Error> {
        let opened = self.connect_unbounded().await;
        let mut connection = opened.map_err(|source| Error::Open(Arc::new(source)))?;
        // Not `run`: a future with its open lifetimes is not `Send` for those who call from elsewhere.
        let migrated = sqlx::migrate!("src/migrations").run_direct(None, &mut connection, false).await;
        migrated.map_err(|source| Error::Migrate(Arc::new(source)))?;
        Ok(connection)
    }

    /// True if commits go to a log that has to be folded back by us.
    pub(crate) fn has_log(&self) -> bool {
        self.is_sqlite
    }

    /// Connects in time.
    pub(crate) async fn connect(&self) -> Result<AnyConnection, Error> {
        match timeout(ACQUIRE, self.connect_unbounded()).await {
            Ok(connection) => Ok(connection?),
            Err(_) => Err(Error::TooSlow("connect to the database")),
        }
    }

    /// Connections for reading, made when they are needed.
    pub(crate) fn readers(&self) -> AnyPool {
        let is_sqlite = self.is_sqlite;
        AnyPoolOptions::new()
            .max_connections(self.readers)
            .acquire_timeout(ACQUIRE)
            .test_before_acquire(!is_sqlite)
            .after_connect(move |connection, _| Box::pin(async move { prepare(connection, is_sqlite).await }))
            .connect_lazy_with(self.options.clone())
    }

    async fn connect_unbounded(&self) -> Result<AnyConnection, sqlx::Error> {
        let mut connection = AnyConnection::connect_with(&self.options).await?;
        prepare(&mut connection, self.is_sqlite).await?;
        Ok(connection)
    }
}

async fn prepare(connection: &mut AnyConnection, is_sqlite: bool) -> Result<(), sqlx::Error> {
    if is_sqlite {
        sqlx::raw_sql(PRAGMAS).execute(connection).await?;
    }
    Ok(())
}

/// The file is made here, because SQLite would let others read it.
fn sqlite_url(path: &Path) -> Result<String, Error> {
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    made.map_err(|source| Error::Open(Arc::new(sqlx::Error::Io(source))))?;
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    Ok(options.to_url_lossy().to_string())
}
