//! The API server is away, and what goes on meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use regression::harness::{Client, Proxy};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::fleet::{Fleet, PATIENCE};

/// Longer than everything that is remembered by the clock: the Lease of the operators, and what tokens are worth.
const AWAY: Duration = Duration::from_secs(60);

/// Somebody who asks without a pause.
struct Caller {
    answered: Arc<AtomicUsize>,
    failed: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

impl Caller {
    fn of(proxy: &Proxy) -> Self {
        let (answered, failed) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let mut task = JoinSet::new();
        task.spawn(ask(proxy.api(), Arc::clone(&answered), Arc::clone(&failed)));
        Self { answered, failed, _task: task }
    }

    /// How many requests were answered, none of which failed.
    fn answered(&self) -> usize {
        assert_eq!(self.failed.load(Ordering::Relaxed), 0, "a request failed");
        self.answered.load(Ordering::Relaxed)
    }
}

async fn ask(proxy: Client, answered: Arc<AtomicUsize>, failed: Arc<AtomicUsize>) {
    let body = json!({"model": "demo", "input": "Hello"});
    loop {
        let is_good = proxy.post("/v1/responses", &body).await.is_ok_and(|answer| answer.status == 200);
        if is_good { &answered } else { &failed }.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until the operator has noticed that it cannot renew its Lease.
async fn noticed(fleet: &Fleet, before: usize) -> anyhow::Result<()> {
    let end = Instant::now() + PATIENCE;
    while count(fleet) == before {
        anyhow::ensure!(Instant::now() < end, "it notices nothing\n{}", fleet.operator.log());
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn count(fleet: &Fleet) -> usize {
    fleet.operator.log().matches("Cannot contend for leadership").count()
}

#[tokio::test]
async fn proxies_answer_while_the_api_server_is_away_and_changes_come_through_once_it_is_back()
-> anyhow::Result<()> {
    let Some(fleet) = Fleet::start_alone().await? else { return Ok(()) };
    fleet.basics().await?;
    let proxies = [fleet.proxy("one").await?, fleet.proxy("two").await?];
    fleet.programmed("Programmed", PATIENCE).await?;
    let callers = proxies.each_ref().map(Caller::of);

    // It hangs for longer than the Lease lasts.
    fleet.cluster.pause()?;
    let before = callers.each_ref().map(Caller::answered);
    sleep(AWAY).await;
    for (caller, before) in callers.iter().zip(before) {
        assert!(caller.answered() > before + 100, "{} after {before}", caller.answered());
    }
    fleet.cluster.resume()?;
    comes_through(&fleet, &proxies, "after-a-pause").await?;

    // It crashes, just when the Lease is to be renewed, and is back before the Lease has lapsed.
    fleet.cluster.stop();
    noticed(&fleet, count(&fleet)).await?;
    fleet.cluster.restart().await?;
    comes_through(&fleet, &proxies, "after-a-crash").await?;
    assert!(callers.iter().all(|caller| caller.answered() > 0));
    Ok(())
}

async fn comes_through(fleet: &Fleet, proxies: &[Proxy], upstream: &str) -> anyhow::Result<()> {
    fleet.change(upstream).await?;
    // What is told of the old generation is not meant.
    fleet.delivery("told", |delivery| delivery["proxies"]["applied"] == 2).await?;
    for proxy in proxies {
        fleet.until_it_runs(proxy, upstream).await?;
    }
    fleet.programmed("Programmed", PATIENCE).await?;
    Ok(())
}
