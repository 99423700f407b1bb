//! What was acknowledged is there after an end without notice, and what is half-written is not.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::conformance::sqlite;
use crate::examples::{NOW, chain_items, ids, tenant, turn};

/// The files of a database as a process leaves them that is killed.
fn snapshot_of(folder: &std::path::Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

#[tokio::test]
async fn what_was_acknowledged_survives_an_end_without_notice() {
    let (folder, red) = (tempfile::tempdir().unwrap(), tenant("red"));
    let store = sqlite(folder.path()).await;
    store.responses.put(&red, turn("a", None)).await.unwrap();
    store.responses.put(&red, turn("b", Some("a"))).await.unwrap();
    let left = snapshot_of(folder.path());
    let reopened = sqlite(left.path()).await;
    let items = chain_items(reopened.responses.as_ref(), &red, "b").await;
    assert_eq!(ids(&items), ["msg_a_in", "msg_a_out", "msg_b_in", "msg_b_out"]);
    store.close().await;
    reopened.close().await;
}

#[tokio::test]
async fn writes_that_were_queued_are_committed_when_the_store_closes() {
    let (folder, red) = (tempfile::tempdir().unwrap(), tenant("red"));
    let store = sqlite(folder.path()).await;
    let mut writes = JoinSet::new();
    for number in 0..50 {
        let (responses, red) = (Arc::clone(&store.responses), red.clone());
        writes.spawn(async move { responses.put(&red, turn(&format!("t{number}"), None)).await.is_ok() });
    }
    tokio::task::yield_now().await;
    store.close().await;
    let acknowledged = writes.join_all().await.into_iter().filter(|stored| *stored).count();
    let reopened = sqlite(folder.path()).await;
    let mut found = 0;
    for number in 0..50 {
        let id = format!("resp_t{number}");
        found += usize::from(reopened.responses.get(&red, &id, NOW).await.unwrap().is_some());
    }
    assert_eq!(found, acknowledged, "a write is there exactly if its caller was told so");
    reopened.close().await;
}

#[tokio::test]
async fn a_closed_store_refuses_writes() {
    let (folder, red) = (tempfile::tempdir().unwrap(), tenant("red"));
    let store = sqlite(folder.path()).await;
    store.close().await;
    assert!(store.responses.put(&red, turn("a", None)).await.is_err());
}
