//! What `kubectl describe` shows of an object's past.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::fleet::{Fleet, PATIENCE};

/// The events about an object: type, reason and note.
async fn told(fleet: &Fleet, name: &str) -> anyhow::Result<Vec<(String, String, String)>> {
    let get = ["get", "events.v1.events.k8s.io", "--namespace", &fleet.namespace, "--output", "json"];
    let list: Value = serde_json::from_str(&fleet.cluster.kubectl(&get).await?)?;
    let text = |event: &Value, field: &str| event[field].as_str().unwrap_or_default().to_owned();
    let events =
        list["items"].as_array().into_iter().flatten().filter(|event| event["regarding"]["name"] == name);
    for event in events.clone() {
        assert_eq!(event["reportingController"], "fairlead-operator");
        assert!(event["regarding"]["uid"].is_string(), "kubectl describe finds events by uid: {event}");
    }
    Ok(events.map(|event| (text(event, "type"), text(event, "reason"), text(event, "note"))).collect())
}

async fn until_told(fleet: &Fleet, name: &str, kind: &str, reason: &str) -> anyhow::Result<String> {
    let end = Instant::now() + PATIENCE;
    loop {
        let events = told(fleet, name).await?;
        if let Some((_, _, note)) = events.iter().find(|(is, why, _)| is == kind && why == reason) {
            return Ok(note.clone());
        }
        anyhow::ensure!(Instant::now() < end, "no {kind} {reason}: {events:?}\n{}", fleet.operator.log());
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn transitions_are_events_on_the_object() -> anyhow::Result<()> {
    let Some(fleet) = Fleet::start().await? else { return Ok(()) };
    fleet.basics().await?;
    let _proxy = fleet.proxy("one").await?;
    fleet.wait("model/demo", "Ready").await?;
    until_told(&fleet, "demo", "Normal", "Ready").await?;
    fleet.cluster.kubectl(&["delete", "secret", "key", "--namespace", &fleet.namespace]).await?;
    let note = until_told(&fleet, "fake", "Warning", "SecretNotFound").await?;
    assert!(note.contains("does not exist: create it") && !note.contains("first-key"), "{note}");
    let count = told(&fleet, "fake").await?.len();
    sleep(Duration::from_secs(6)).await;
    assert_eq!(told(&fleet, "fake").await?.len(), count, "what stays is not told again");
    Ok(())
}
