//! What can go wrong in the store.

use std::sync::Arc;

/// Why the store did not do what it was asked. Only [`Error::UnknownCursor`] is the client's to mend.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The database could not be opened at the start.
    #[error("cannot open the database")]
    Open(#[source] Arc<sqlx::Error>),
    /// The tables could not be brought to the version of this program.
    #[error("cannot migrate the database")]
    Migrate(#[source] Arc<sqlx::migrate::MigrateError>),
    /// The database is down, full, read-only or overloaded; trying again may help. A write whose outcome is unknown
    /// is among these.
    #[error("cannot reach the database")]
    Unavailable(#[source] Arc<sqlx::Error>),
    /// The database did not answer in time, or too many writes wait.
    #[error("cannot {0} in time")]
    TooSlow(&'static str),
    /// The store was closed.
    #[error("cannot write after the store was closed")]
    Closed,
    /// The database refused a statement.
    #[error("cannot run a statement of the store")]
    Statement(#[source] Arc<sqlx::Error>),
    /// The tenant has an object with this id.
    #[error("cannot store an object twice")]
    Exists,
    /// The object cannot be written as JSON.
    #[error("cannot encode an object for the store")]
    Encode(#[source] Arc<serde_json::Error>),
    /// A stored object cannot be read back.
    #[error("cannot decode a stored object")]
    Decode(#[source] Arc<serde_json::Error>),
    /// The cursor of a page is not in the list.
    #[error("No entry with id '{id}' in this list.")]
    UnknownCursor {
        /// `after` or `before`.
        param: &'static str,
        /// The cursor.
        id: String,
    },
}

impl Error {
    pub(crate) fn encode(source: serde_json::Error) -> Self {
        Self::Encode(Arc::new(source))
    }

    pub(crate) fn decode(source: serde_json::Error) -> Self {
        Self::Decode(Arc::new(source))
    }

    /// True if the request may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::TooSlow(_) | Self::Closed)
    }
}

impl From<sqlx::Error> for Error {
    fn from(source: sqlx::Error) -> Self {
        let Some(fault) = source.as_database_error() else { return Self::Unavailable(Arc::new(source)) };
        if fault.is_unique_violation() {
            return Self::Exists;
        }
        if fault.code().is_some_and(|code| is_transient(&code)) {
            return Self::Unavailable(Arc::new(source));
        }
        Self::Statement(Arc::new(source))
    }
}

/// Reads SQLite's extended result codes (decimal) and PostgreSQL's SQLSTATE (five characters).
fn is_transient(code: &str) -> bool {
    if code.len() == 5 {
        return ["08", "40", "53", "57", "58"].contains(&&code[..2]) || code == "25006";
    }
    const BUSY: u32 = 5;
    const LOCKED: u32 = 6;
    const READ_ONLY: u32 = 8;
    const IO: u32 = 10;
    const FULL: u32 = 13;
    const CANNOT_OPEN: u32 = 14;
    let primary = code.parse::<u32>().map_or(0, |code| code & 0xff);
    [BUSY, LOCKED, READ_ONLY, IO, FULL, CANNOT_OPEN].contains(&primary)
}

#[cfg(test)]
mod tests {
    use super::is_transient;

    #[test]
    fn a_full_disk_and_a_stopped_server_may_pass() {
        for code in ["13", "778", "5", "8", "57P01", "08006", "53100", "40P01"] {
            assert!(is_transient(code), "{code}");
        }
    }

    #[test]
    fn a_refused_statement_stays_refused() {
        for code in ["1", "19", "1555", "787", "22021", "42601"] {
            assert!(!is_transient(code), "{code}");
        }
    }
}
