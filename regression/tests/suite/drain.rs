//! SIGTERM: live streams end whole, and the process ends with the last of them.

use std::time::Duration;

use regression::fakes::model::{Ending, Say};
use regression::harness::{Request, Setup};
use serde_json::json;
use tokio::time::Instant;

use super::events::lawful;
use super::stage::{Stage, kinds, last, text};

fn streamed() -> Request {
    Request::post("/v1/responses", &json!({"model": "demo", "stream": true, "input": "Hello"}))
}

async fn stage(deadline: &str) -> anyhow::Result<Stage> {
    Stage::with(|url| Setup::chat(url).flags(&["--drain-linger", "0", "--drain-deadline", deadline])).await
}

#[tokio::test]
async fn a_live_stream_ends_whole_and_the_process_right_after_it() -> anyhow::Result<()> {
    let mut stage = stage("30").await?;
    stage.script(Say::text(&["one ", "two ", "three ", "four ", "five"]).paced(200));
    let mut open = stage.api().open(streamed()).await?;
    open.until("one ").await?;
    stage.proxy.terminate()?;
    let events = open.finish().await?.events()?;
    let ended = Instant::now();
    lawful(&events)?;
    assert_eq!(text(&last(&events)), "one two three four five");
    let status = stage.proxy.ended().await?;
    assert!(status.success(), "{status}");
    assert!(ended.elapsed() < Duration::from_secs(1), "{:?}", ended.elapsed());
    Ok(())
}

#[tokio::test]
async fn an_idle_process_ends_at_once() -> anyhow::Result<()> {
    let mut stage = stage("30").await?;
    let started = Instant::now();
    stage.proxy.terminate()?;
    assert!(stage.proxy.ended().await?.success());
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    Ok(())
}

#[tokio::test]
async fn readiness_ends_first_and_requests_are_still_taken() -> anyhow::Result<()> {
    let stage = Stage::with(|url| Setup::chat(url).flags(&["--drain-linger", "10"])).await?;
    stage.proxy.terminate()?;
    let end = Instant::now() + Duration::from_secs(2);
    while stage.proxy.admin().get("/readyz").await?.status != 503 {
        assert!(Instant::now() < end, "still ready after SIGTERM");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(stage.respond(&super::stage::hello()).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_stream_longer_than_the_deadline_ends_with_a_stored_failure() -> anyhow::Result<()> {
    let mut stage = stage("0.5").await?;
    stage.script(Say::text(&["one ", "two"]).cut(1, Ending::Stall));
    let mut open = stage.api().open(streamed()).await?;
    open.until("one ").await?;
    let started = Instant::now();
    stage.proxy.terminate()?;
    let events = open.finish().await?.events()?;
    assert_eq!(kinds(&events).last(), Some(&"response.failed"));
    assert!(stage.proxy.ended().await?.success());
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    stage.proxy.restart().await?;
    let response = last(&events);
    let path = format!("/v1/responses/{}", response["id"].as_str().unwrap_or_default());
    assert_eq!(stage.api().get(&path).await?.json(), response);
    Ok(())
}
