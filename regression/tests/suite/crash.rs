//! `kill -9` in mid-stream and during writes: what was acknowledged is there, whole; the rest is absent.

use std::time::Duration;

use anyhow::ensure;
use regression::fakes::model::{Ending, Say};
use regression::harness::{Client, Request};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tokio::task::JoinSet;

use super::stage::{Stage, last, text};

const ROUNDS: u64 = 20;
const WRITERS: u64 = 4;

/// A number that looks random and is the same in every run (splitmix64).
fn scattered(seed: u64) -> u64 {
    let mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 33
}

async fn integrity(stage: &Stage) -> anyhow::Result<()> {
    let options = SqliteConnectOptions::new().filename(stage.proxy.database()).create_if_missing(false);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    let verdict: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&pool).await?;
    pool.close().await;
    ensure!(verdict == "ok", "{verdict}");
    Ok(())
}

/// Creates responses until the process dies; returns those that were acknowledged and the last id that was only begun.
async fn write(api: Client, streamed: bool) -> (Vec<Value>, Option<String>) {
    let (mut acknowledged, mut begun) = (Vec::new(), None);
    loop {
        let previous = acknowledged.last().map(|response: &Value| response["id"].clone());
        let body =
            json!({"model": "demo", "input": "Hello", "stream": streamed, "previous_response_id": previous});
        let request = Request::post("/v1/responses", &body);
        let Ok(mut open) = api.open(request).await else { return (acknowledged, begun) };
        let mut seen = Vec::new();
        while let Ok(Some(piece)) = open.piece().await {
            seen.extend_from_slice(&piece);
        }
        match outcome(&seen) {
            Ok(response) => acknowledged.push(response),
            Err(id) => {
                begun = id;
                return (acknowledged, begun);
            }
        }
    }
}

/// The whole response, or the id of one that was cut off.
fn outcome(seen: &[u8]) -> Result<Value, Option<String>> {
    let seen = String::from_utf8_lossy(seen);
    let whole: Option<Value> = serde_json::from_str(&seen).ok();
    let lines = seen.lines().filter_map(|line| line.strip_prefix("data: "));
    let events: Vec<Value> = lines.filter_map(|line| serde_json::from_str(line).ok()).collect();
    let completed = events.iter().find(|event| event["type"] == "response.completed");
    let response = whole.or_else(|| completed.map(|event| event["response"].clone()));
    response.ok_or_else(|| events.first()?["response"]["id"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn a_kill_during_writes_loses_nothing_that_was_acknowledged() -> anyhow::Result<()> {
    let mut stage = Stage::chat().await?;
    let mut total = 0;
    for round in 0..ROUNDS {
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(write(stage.api(), writer % 2 == 0));
        }
        tokio::time::sleep(Duration::from_millis(5 + scattered(round) % 150)).await;
        stage.proxy.kill().await?;
        let written = writers.join_all().await;
        stage.proxy.restart().await?;
        integrity(&stage).await?;
        for (acknowledged, begun) in written {
            total += acknowledged.len();
            for response in acknowledged {
                let stored = get(&stage, response["id"].as_str().unwrap_or_default()).await?;
                assert_eq!(stored.as_ref(), Some(&response), "round {round}");
            }
            if let Some(stored) = get(&stage, begun.as_deref().unwrap_or("resp_none")).await? {
                assert!(
                    matches!(stored["status"].as_str(), Some("completed" | "failed")),
                    "round {round}: {stored}"
                );
            }
        }
    }
    assert!(total > usize::try_from(ROUNDS)?, "only {total} responses were written");
    Ok(())
}

async fn get(stage: &Stage, id: &str) -> anyhow::Result<Option<Value>> {
    let answer = stage.api().get(&format!("/v1/responses/{id}")).await?;
    ensure!(matches!(answer.status, 200 | 404), "{} {}", answer.status, answer.text());
    Ok((answer.status == 200).then(|| answer.json()))
}

#[tokio::test]
async fn a_kill_in_mid_stream_leaves_no_half_response() -> anyhow::Result<()> {
    let mut stage = Stage::chat().await?;
    let before = last(&stage.stream(&json!({"model": "demo", "input": "Before"})).await?);
    stage.script(Say::text(&["one ", "two"]).cut(1, Ending::Stall));
    let body =
        json!({"model": "demo", "input": "Hello", "stream": true, "previous_response_id": before["id"]});
    let mut open = stage.api().open(Request::post("/v1/responses", &body)).await?;
    open.until("one ").await?;
    let piece = String::from_utf8(open.seen().to_vec())?;
    let id = outcome(piece.as_bytes()).expect_err("cut").unwrap_or_default();
    stage.proxy.kill().await?;
    assert!(open.finish().await.is_err(), "the client sees that the stream was cut");
    stage.proxy.restart().await?;
    integrity(&stage).await?;
    assert_eq!(get(&stage, &id).await?, None);
    let next = json!({"model": "demo", "input": "After", "previous_response_id": before["id"]});
    assert!(text(&stage.respond(&next).await?.json()).ends_with("Before that: Before"));
    Ok(())
}
