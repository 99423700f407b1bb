//! What all reads share.

use std::time::Duration;

use protocol::Object;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::error::Error;
use crate::sql::pool::STATEMENT;

/// Bounds a read.
pub(crate) async fn in_time<T>(read: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Error> {
    within(STATEMENT, read).await
}

/// Bounds a read that may be large.
pub(crate) async fn within<T>(
    patience: Duration,
    read: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Error> {
    match timeout(patience, read).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(Error::TooSlow("read")),
    }
}

/// Reads JSON text.
pub(crate) fn decode<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(Error::decode)
}

/// Reads the entries of a JSON list that stand without brackets; `None` is the empty list.
pub(crate) fn decode_list<T: DeserializeOwned>(entries: Option<String>) -> Result<Vec<T>, Error> {
    entries.map_or_else(|| Ok(Vec::new()), |entries| decode(&format!("[{entries}]")))
}

/// The `id` of an object, or nothing.
pub(crate) fn id_of(object: &Object) -> &str {
    object.get("id").and_then(serde_json::Value::as_str).unwrap_or_default()
}
