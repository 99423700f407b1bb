//! Where the store keeps its rows.

use std::fmt;
use std::path::{Path, PathBuf};

/// A database. Prints without the credentials of its URL.
#[derive(Clone, PartialEq, Eq)]
pub enum Settings {
    /// A file of one process; it is made when it is missing, its folder is not.
    Sqlite {
        /// The file.
        path: PathBuf,
    },
    /// A server, for several replicas.
    Postgres {
        /// `postgres://user:password@host:port/database`.
        url: String,
        /// At most so many connections for reading; one more writes.
        max_connections: u32,
    },
}

impl Settings {
    /// A file.
    pub fn sqlite(path: &Path) -> Self {
        Self::Sqlite { path: path.to_owned() }
    }

    /// A server, with 8 connections for reading.
    pub fn postgres(url: &str) -> Self {
        Self::Postgres { url: url.to_owned(), max_connections: 8 }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path } => f.debug_struct("Sqlite").field("path", path).finish(),
            Self::Postgres { max_connections, .. } => {
                let mut fields = f.debug_struct("Postgres");
                fields.field("max_connections", max_connections).finish_non_exhaustive()
            }
        }
    }
}
