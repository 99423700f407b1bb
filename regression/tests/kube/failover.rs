//! A leader that is suspended for longer than its Lease, and wakes up in a world that has gone on.

use std::time::Duration;

use regression::fakes::proxy;
use regression::harness::{Front, Operator};
use rustix::process::Signal;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::fleet::{Fleet, PATIENCE};
use super::quiet::written;

/// Longer than two rounds in which an operator looks at statuses without a reason.
const WATCHED: Duration = Duration::from_secs(12);

#[tokio::test]
async fn a_leader_that_wakes_up_after_its_lease_changes_nothing() -> anyhow::Result<()> {
    let Some(fleet) = Fleet::start().await? else { return Ok(()) };
    fleet.basics().await?;
    let mut second = Operator::start(fleet.cluster, &format!("{}-2", fleet.namespace)).await?;
    second.ready().await?;
    let front = Front::start(fleet.operator.delivery().address()).await?;
    let proxy = fleet.setup_at("one", &front.url()).await?.start().await?;
    fleet.programmed("Programmed", PATIENCE).await?;
    let before = epoch(&fleet).await?;

    fleet.operator.signal(Signal::STOP)?;
    second.until_it_leads(PATIENCE).await?;
    front.turn_to(second.delivery().address());
    fleet.change("while-it-slept").await?;
    fleet.until_it_runs(&proxy, "while-it-slept").await?;
    fleet.programmed("Programmed", PATIENCE).await?;
    fleet.delivery("that of the second", |delivery| delivery["epoch"].as_u64() > before).await?;
    let (after, mark) = (epoch(&fleet).await?, fleet.cluster.audit_mark()?);

    // Who asks it at the moment in which it wakes up.
    let token =
        fleet.cluster.service_account_token((&fleet.namespace, "proxy"), "config.fairlead.dev").await?;
    let hello = proxy::hello(&format!("{}/main", fleet.namespace), "early");
    let asked = proxy::open(fleet.operator.delivery(), &token, &hello);
    let (asked, ()) = tokio::try_join!(asked, async { fleet.operator.signal(Signal::CONT) })?;
    let mut asked = asked;
    asked.until("\n").await?;
    let first: Value =
        serde_json::from_slice(asked.seen().split(|byte| *byte == b'\n').next().unwrap_or_default())?;
    let is_harmless =
        first["type"] == "notLeader" || first["epoch"].as_u64().is_some_and(|old| Some(old) == before);
    assert!(is_harmless, "{first}");
    drop(asked);

    let end = Instant::now() + PATIENCE;
    while fleet.operator.leads().await? {
        anyhow::ensure!(Instant::now() < end, "it still believes that it leads\n{}", fleet.operator.log());
        sleep(Duration::from_millis(50)).await;
    }
    sleep(WATCHED).await;
    assert!(second.leads().await?, "{}", second.log());
    assert_eq!(epoch(&fleet).await?, after);
    let mut writes = written(&fleet, mark)?;
    writes.retain(|write| write.resource != "modelproviders/status"); // the leader's: health comes with a heartbeat
    assert!(writes.is_empty(), "{writes:#?}\n{}", fleet.operator.log());
    assert!(!proxy.log().contains("earlier epoch"));

    fleet.change("after-it-woke").await?;
    fleet.until_it_runs(&proxy, "after-it-woke").await?;
    Ok(())
}

async fn epoch(fleet: &Fleet) -> anyhow::Result<Option<u64>> {
    Ok(fleet.delivery("told", |delivery| delivery["epoch"].is_u64()).await?["epoch"].as_u64())
}
