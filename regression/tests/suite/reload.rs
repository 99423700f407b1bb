//! Configuration that changes while requests run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use regression::harness::setup::model;
use regression::harness::{Client, Proxy};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::stage::{Stage, hello};

/// Waits until a model is (or is not) served.
async fn until_served(proxy: &Proxy, name: &str, served: bool) -> anyhow::Result<()> {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let status = proxy.api().get(&format!("/v1/models/{name}")).await?.status;
        if (status == 200) == served {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < end, "{name} is served: {}, for 10 s\n{}", !served, proxy.log());
        sleep(Duration::from_millis(20)).await;
    }
}

/// Asks until it is told to stop; counts answers.
async fn ask(api: Client, stop: Arc<AtomicBool>) -> anyhow::Result<usize> {
    let mut answers = 0;
    while !stop.load(Ordering::SeqCst) {
        let answer = api.post("/v1/responses", &hello()).await?;
        anyhow::ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
        answers += 1;
    }
    Ok(answers)
}

#[tokio::test]
async fn a_change_under_load_loses_no_request() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut askers = JoinSet::new();
    for _ in 0..3 {
        askers.spawn(ask(stage.api(), Arc::clone(&stop)));
    }
    for round in 0..8 {
        let name = format!("added-{round}");
        stage.proxy.configure("added.yaml", &model(&name, "Chat", "fake"))?;
        until_served(&stage.proxy, &name, true).await?;
    }
    stop.store(true, Ordering::SeqCst);
    for answers in askers.join_all().await {
        assert!(answers? > 0);
    }
    Ok(())
}

#[tokio::test]
async fn a_removed_file_removes_its_objects() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    stage.proxy.configure("added.yaml", &model("added", "Chat", "fake"))?;
    until_served(&stage.proxy, "added", true).await?;
    stage.proxy.unconfigure("added.yaml")?;
    until_served(&stage.proxy, "added", false).await?;
    assert_eq!(stage.respond(&json!({"model": "added", "input": "Hello"})).await?.status, 404);
    assert_eq!(stage.respond(&hello()).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_bad_object_takes_no_good_one_down() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let bad = model("bad", "Chat", "no-such-provider");
    let both = format!("{bad}---\n{}", model("good", "Chat", "fake"));
    stage.proxy.configure("both.yaml", &both)?;
    until_served(&stage.proxy, "good", true).await?;
    assert_eq!(stage.respond(&hello()).await?.status, 200);
    let unusable = stage.respond(&json!({"model": "bad", "input": "Hello"})).await?;
    assert_eq!(unusable.status, 503, "known, without a target: {}", unusable.text());
    let status = stage.proxy.admin().get("/status").await?.text();
    assert!(status.contains("no-such-provider"), "the status says why: {status}");
    Ok(())
}

#[tokio::test]
async fn an_object_that_turns_bad_is_served_as_it_last_was_good() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    stage.proxy.configure("added.yaml", &model("added", "Chat", "fake"))?;
    until_served(&stage.proxy, "added", true).await?;
    let broken = model("added", "Song", "fake");
    stage.proxy.configure("added.yaml", &format!("{broken}---\n{}", model("mark", "Chat", "fake")))?;
    until_served(&stage.proxy, "mark", true).await?;
    assert_eq!(stage.respond(&json!({"model": "added", "input": "Hello"})).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_no_yaml_keeps_the_old_set() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    stage.proxy.configure("models.yaml", "kind: [Model\n")?;
    let end = Instant::now() + Duration::from_secs(10);
    while !stage.proxy.log().contains("models.yaml") {
        assert!(Instant::now() < end, "the log does not name the file: {}", stage.proxy.log());
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(stage.respond(&hello()).await?.status, 200);
    stage.proxy.configure("models.yaml", &model("mended", "Chat", "fake"))?;
    until_served(&stage.proxy, "mended", true).await?;
    Ok(())
}

#[tokio::test]
async fn what_lies_beside_the_configuration_applies_nothing() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    for round in 0..3 {
        stage.proxy.configure("proxy.log", &"a line\n".repeat(round + 1))?;
        sleep(Duration::from_millis(120)).await;
    }
    stage.proxy.configure("added.yaml", &model("added", "Chat", "fake"))?;
    until_served(&stage.proxy, "added", true).await?;
    let applied = stage.proxy.logged("Configuration applied").await?;
    assert_eq!(applied.matches("Configuration applied").count(), 1, "{applied}");
    Ok(())
}
