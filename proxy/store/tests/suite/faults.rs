//! A database that is slow or broken in one place spoils nothing in another.

use std::path::Path;

use sqlx::{ConnectOptions, Connection};
use store::{Error, NewResponse};
use tokio::join;

use crate::conformance::sqlite;
use crate::examples::*;

/// Changes the database behind the back of the store.
async fn tamper(folder: &Path, sql: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("a #name?.db"));
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn one_slow_write_spoils_no_other() {
    let (folder, tenant) = (tempfile::tempdir().unwrap(), tenant("slow"));
    let store = sqlite(folder.path()).await;
    let slow = "CREATE TRIGGER slow BEFORE INSERT ON items WHEN NEW.kind = 'slow' BEGIN
        SELECT (WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 20000) SELECT sum(n) FROM c);
        END";
    tamper(folder.path(), slow).await;
    let mut many = turn("slow", None);
    many.input =
        (0..4096).map(|n| item(serde_json::json!({"type": "slow", "id": format!("s_{n}")}))).collect();

    let responses = &store.responses;
    let puts = [turn("a", None), many, turn("b", None)].map(|turn: NewResponse| responses.put(&tenant, turn));
    let [first, spoiler, last] = puts;
    let (first, spoiler, last) = join!(first, spoiler, last);

    assert!(matches!(spoiler, Err(Error::TooSlow(_))), "{spoiler:?}");
    assert!(first.is_ok() && last.is_ok(), "{first:?} {last:?}");
    assert!(store.responses.get(&tenant, "resp_slow", NOW).await.unwrap().is_none());
    assert!(store.responses.get(&tenant, "resp_b", NOW).await.unwrap().is_some());
    store.close().await;
}

#[tokio::test]
async fn what_cannot_be_deleted_keeps_nothing_else() {
    let (folder, tenant) = (tempfile::tempdir().unwrap(), tenant("expiry"));
    let store = sqlite(folder.path()).await;
    let mut old = completion("a", NOW, &[]);
    old.expires_at = Some(NOW);
    store.completions.put(&tenant, old).await.unwrap();
    let expired = NewResponse { expires_at: Some(NOW), ..turn("a", None) };
    store.responses.put(&tenant, expired).await.unwrap();
    let keep = "CREATE TRIGGER keep BEFORE DELETE ON responses BEGIN SELECT RAISE(ABORT, 'kept'); END";
    tamper(folder.path(), keep).await;

    let faults = store.expire(NOW, 9).await;

    assert!(matches!(&faults[..], [Error::Statement(_)]), "{faults:?}");
    assert_eq!(store.completions.expire(NOW, 9).await.unwrap(), 0, "it is deleted already");
    store.close().await;
}
