//! What statuses say of upstreams, by the calls that clients made.

use regression::harness::{Operator, Proxy};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::fleet::{Fleet, PATIENCE};

/// Waits for a reason of the provider's condition `Healthy`.
async fn healthy(fleet: &Fleet, reason: &str) -> anyhow::Result<Value> {
    let end = Instant::now() + PATIENCE;
    loop {
        let condition = fleet.condition("modelprovider/fake", "Healthy").await?;
        if condition["reason"] == reason {
            return Ok(condition);
        }
        anyhow::ensure!(Instant::now() < end, "not {reason}: {condition}\n{}", fleet.operator.log());
        sleep(Duration::from_millis(100)).await;
    }
}

async fn asks(proxy: &Proxy, status: u16) -> anyhow::Result<()> {
    for _ in 0..3 {
        let answer = proxy.api().post("/v1/responses", &json!({"model": "demo", "input": "Hello"})).await?;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    Ok(())
}

#[tokio::test]
async fn a_provider_is_healthy_by_the_calls_of_clients_and_the_worst_proxy_counts() -> anyhow::Result<()> {
    let Some(mut fleet) = Fleet::start().await? else { return Ok(()) };
    fleet.basics().await?;
    let proxies = [fleet.proxy("one").await?, fleet.proxy("two").await?];
    fleet.wait("modelprovider/fake", "Ready").await?;
    assert_eq!(healthy(&fleet, "NotProbed").await?["status"], "Unknown");
    asks(&proxies[0], 200).await?;
    assert_eq!(healthy(&fleet, "Healthy").await?["status"], "True");

    // Another upstream is another question, and nobody has asked it yet.
    let away = json!({"spec": {"baseURL": "http://127.0.0.1:1"}}).to_string();
    let patch = ["patch", "modelprovider", "fake", "--type", "merge", "--patch", &away];
    fleet.cluster.kubectl(&[&patch[..], &["--namespace", &fleet.namespace]].concat()).await?;
    fleet.wait("modelprovider/fake", "Programmed").await?;
    healthy(&fleet, "NotProbed").await?;
    asks(&proxies[1], 502).await?;
    let condition = healthy(&fleet, "Unreachable").await?;
    assert_eq!(condition["status"], "False");
    assert!(
        condition["message"].as_str().is_some_and(|message| message.contains("main: two says")),
        "{condition}"
    );
    assert_eq!(
        fleet.condition("modelprovider/fake", "Ready").await?["status"],
        "True",
        "an outage fails no rollout"
    );
    // A new leader has heard of nothing yet, and changes nothing.
    let mut second = Operator::start(fleet.cluster, &format!("{}-2", fleet.namespace)).await?;
    second.ready().await?;
    fleet.operator.kill().await?;
    second.until_it_leads(PATIENCE).await?;
    let end = Instant::now() + Duration::from_secs(5);
    while Instant::now() < end {
        let now = fleet.condition("modelprovider/fake", "Healthy").await?;
        assert_eq!(now["lastTransitionTime"], condition["lastTransitionTime"], "{now}\n{}", second.log());
        sleep(Duration::from_millis(100)).await;
    }
    let get = ["get", "modelprovider", "fake", "--namespace", &fleet.namespace];
    let table = fleet.cluster.kubectl(&get).await?;
    assert!(table.contains("HEALTHY"), "{table}");
    Ok(())
}
