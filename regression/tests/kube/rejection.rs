//! Proxies that refuse, say nothing, vanish or babble, and what the statuses make of them.

use std::time::Duration;

use regression::fakes::proxy::{self, FakeProxy};
use serde_json::json;

use super::fleet::{Fleet, PATIENCE};

/// Longer than the operator waits before it calls a proxy stale.
const STALE: Duration = Duration::from_secs(60);

async fn token(fleet: &Fleet, account: &str) -> anyhow::Result<String> {
    fleet.cluster.service_account_token((&fleet.namespace, account), "config.fairlead.dev").await
}

/// A fake proxy of the gateway `main` that serves what there is.
async fn serving(fleet: &Fleet, name: &str) -> anyhow::Result<FakeProxy> {
    let token = token(fleet, "proxy").await?;
    let gateway = format!("{}/main", fleet.namespace);
    let mut fake = FakeProxy::connect(fleet.operator.delivery(), &token, &gateway, name).await?;
    fake.receive().await?;
    fake.accept().await?;
    Ok(fake)
}

#[tokio::test]
async fn an_entry_that_a_proxy_rejects_is_not_programmed_until_it_is_mended() -> anyhow::Result<()> {
    let Some(fleet) = Fleet::start().await? else { return Ok(()) };
    fleet.basics().await?;
    let real = fleet.proxy("real").await?;
    fleet.wait("model/demo", "Programmed").await?;
    let mut fake = serving(&fleet, "picky").await?;
    let model = format!("model/{}/demo", fleet.namespace);

    fleet.change("broken").await?;
    fake.receive().await?;
    fake.reject(&model, "there is no such header").await?;
    let message = fleet.programmed("RejectedByProxy", PATIENCE).await?;
    assert!(message.contains("picky") && message.contains("there is no such header"), "{message}");
    let there = fleet.at_gateway("model/demo", "Programmed").await?;
    assert_eq!((&there["status"], &there["reason"]), (&json!("False"), &json!("RejectedByProxy")), "{there}");
    assert_eq!(fleet.condition("model/demo", "Ready").await?["status"], "False");
    for other in ["modelprovider/fake", "responsesgateway/main"] {
        let condition = fleet.condition(other, "Programmed").await?;
        assert_eq!(condition["status"], "True", "{other}: {condition}");
    }
    let told = fleet.delivery("told", |delivery| delivery["proxies"]["rejected"] == 1).await?;
    assert_eq!(told["proxies"]["connected"], 2, "{told}");
    assert_eq!(told["lastRejections"][0]["id"], model.as_str(), "{told}");
    let rejection = &told["lastRejections"][0];
    assert_eq!(rejection["proxy"], "picky", "{told}");
    assert_eq!(rejection["message"], "there is no such header", "{told}");

    fleet.change("mended").await?;
    fake.receive().await?;
    assert!(fleet.programmed("Pending", PATIENCE).await?.contains("picky"));
    fake.accept().await?;
    fleet.programmed("Programmed", PATIENCE).await?;
    let told = fleet.delivery("over", |delivery| delivery["proxies"]["rejected"] == 0).await?;
    assert_eq!((&told["proxies"]["applied"], &told["lastRejections"]), (&json!(2), &json!([])), "{told}");
    assert_eq!(real.api().get("/v1/models").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_proxy_that_does_not_acknowledge_or_vanishes_holds_a_change_up_and_is_named() -> anyhow::Result<()>
{
    let Some(fleet) = Fleet::start().await? else { return Ok(()) };
    fleet.basics().await?;
    let real = fleet.proxy("real").await?;
    fleet.wait("model/demo", "Programmed").await?;
    let (mut mute, mut gone) = (serving(&fleet, "mute").await?, serving(&fleet, "gone").await?);

    fleet.change("unheard").await?;
    mute.receive().await?;
    gone.receive().await?;
    fleet.until_it_runs(&real, "unheard").await?;
    assert!(fleet.programmed("Pending", PATIENCE).await?.contains("has not acknowledged"));
    mute.accept().await?;
    drop(gone);
    let message = fleet.programmed("ProxyDisconnected", PATIENCE).await?;
    assert!(message.contains("gone"), "{message}");
    // The gateway's disconnectTimeout is five seconds: then it counts as dead.
    fleet.programmed("Programmed", PATIENCE).await?;

    fleet.change("unheard again").await?;
    mute.receive().await?;
    let message = fleet.programmed("ProxyStale", STALE).await?;
    assert!(message.contains("mute"), "{message}");
    fleet.delivery("stale", |delivery| delivery["proxies"]["stale"] == 1).await?;
    mute.accept().await?;
    fleet.programmed("Programmed", PATIENCE).await?;
    Ok(())
}

#[tokio::test]
async fn who_has_no_right_or_no_manners_is_refused_and_disturbs_nobody() -> anyhow::Result<()> {
    let Some(fleet) = Fleet::start().await? else { return Ok(()) };
    fleet.basics().await?;
    let real = fleet.proxy("real").await?;
    fleet.wait("model/demo", "Programmed").await?;
    let (operator, own) = (fleet.operator.delivery(), token(&fleet, "proxy").await?);
    let (stranger, gateway) = (token(&fleet, "stranger").await?, format!("{}/main", fleet.namespace));
    let fake = serving(&fleet, "fake").await?;

    for (token, gateway, status) in [
        ("guessed", gateway.as_str(), 401),
        (&stranger, &gateway, 403),
        (&own, "elsewhere/main", 403),
        (&own, "", 403),
    ] {
        let answer = proxy::open(operator, token, &proxy::hello(gateway, "intruder")).await?.finish().await?;
        assert_eq!(answer.status, status, "{gateway}: {}", answer.text());
    }
    let report = |session: &str| {
        json!({"type": "report", "session": session, "serving": false, "inflight": 0}).to_string()
    };
    let large = "x".repeat(2 << 20);
    for (token, body, status) in [
        ("guessed", report(fake.session()).as_str(), 401),
        (&stranger, &report(fake.session()), 403),
        (&own, &report("s_0_0"), 409),
        (&own, "no json", 400),
        (&own, "", 400),
        (&own, r#"{"type": "surprise"}"#, 400),
        (&own, &large, 413),
    ] {
        let answer = proxy::tell(operator, token, body).await?;
        let shown: String = body.chars().take(80).collect();
        assert_eq!(answer.status, status, "{shown}: {}", answer.text());
    }

    drop(fake);
    fleet.change("after all that").await?;
    fleet.programmed("Programmed", PATIENCE).await?;
    assert!(!real.log().contains("No connection to the operator"), "{}", real.log());
    Ok(())
}
