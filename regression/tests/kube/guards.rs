//! What keeps mistakes from the proxies: a removal that is too large to be meant, and a gateway that is paused.

use regression::harness::{Answer, Proxy, Request};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::fleet::{Fleet, PATIENCE};

/// With the one of the basics, more than the operator lets go at once.
const MODELS: usize = 24;
const KEY: &str = "fl-0123456789abcdefghijklmnopqrstuvwxyz";

pub(crate) async fn annotate(fleet: &Fleet, annotation: &str) -> anyhow::Result<()> {
    let annotate = ["annotate", "responsesgateway/main", annotation, "--overwrite"];
    fleet.cluster.kubectl(&[&annotate[..], &["--namespace", &fleet.namespace]].concat()).await?;
    Ok(())
}

/// Waits for a reason of the gateway's condition `Programmed`, and returns its message.
async fn gateway(fleet: &Fleet, reason: &str) -> anyhow::Result<String> {
    let end = Instant::now() + PATIENCE;
    loop {
        let condition = fleet.condition("responsesgateway/main", "Programmed").await?;
        if condition["reason"] == reason {
            return Ok(condition["message"].as_str().unwrap_or_default().to_owned());
        }
        anyhow::ensure!(Instant::now() < end, "not {reason}: {condition}\n{}", fleet.operator.log());
        sleep(Duration::from_millis(50)).await;
    }
}

async fn models(proxy: &Proxy) -> anyhow::Result<usize> {
    let answer = proxy.api().get("/v1/models").await?;
    Ok(answer.json()["data"].as_array().map_or(0, Vec::len))
}

async fn until_models(proxy: &Proxy, count: usize) -> anyhow::Result<()> {
    let end = Instant::now() + PATIENCE;
    while models(proxy).await? != count {
        anyhow::ensure!(Instant::now() < end, "{} models, not {count}", models(proxy).await?);
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

#[tokio::test]
async fn models_that_vanish_all_at_once_are_served_until_somebody_lets_them_go() -> anyhow::Result<()> {
    let Some(fleet) = Fleet::start().await? else { return Ok(()) };
    fleet.basics().await?;
    let model = |number: usize| {
        format!(
            "apiVersion: fairlead.dev/v1alpha1\nkind: Model\nmetadata: {{name: more-{number}, namespace: OWN_NAMESPACE}}\nspec: \
             {{targets: [{{name: only, providerRef: {{name: fake}}, upstreamModel: x}}]}}\n---\n"
        )
    };
    fleet.apply(&(0..MODELS).map(model).collect::<String>()).await?;
    let proxy = fleet.proxy("one").await?;
    until_models(&proxy, MODELS + 1).await?;

    let namespace = ["--namespace", fleet.namespace.as_str()];
    fleet.cluster.kubectl(&[&["delete", "models", "--all"][..], &namespace].concat()).await?;
    let message = gateway(&fleet, "RemovalHeld").await?;
    assert!(message.contains("25 of 26 objects"), "{message}");
    assert_eq!(models(&proxy).await?, MODELS + 1);
    let answer = proxy.api().post("/v1/responses", &json!({"model": "demo", "input": "Hello"})).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(notes(&fleet).await?.contains(&message), "{message} is told by an event");

    annotate(&fleet, "fairlead.dev/allow-removal=all-of-them").await?;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(models(&proxy).await?, MODELS + 1);
    let token = message.split_once("allow-removal=").and_then(|(_, rest)| rest.split_once(' '));
    let token = token.map(|(token, _)| token).unwrap_or_default();
    annotate(&fleet, &format!("fairlead.dev/allow-removal={token}")).await?;
    until_models(&proxy, 0).await?;
    gateway(&fleet, "Programmed").await?;
    Ok(())
}

/// What events tell of the removal.
async fn notes(fleet: &Fleet) -> anyhow::Result<Vec<String>> {
    let end = Instant::now() + PATIENCE;
    let get = ["get", "events.v1.events.k8s.io", "--namespace", &fleet.namespace, "--output", "json"];
    loop {
        let list: Value = serde_json::from_str(&fleet.cluster.kubectl(&get).await?)?;
        let events = list["items"].as_array().into_iter().flatten();
        let events = events.filter(|event| event["reason"] == "RemovalHeld");
        let notes: Vec<_> =
            events.map(|event| event["note"].as_str().unwrap_or_default().to_owned()).collect();
        if !notes.is_empty() {
            return Ok(notes);
        }
        anyhow::ensure!(Instant::now() < end, "no event\n{}", fleet.operator.log());
        sleep(Duration::from_millis(100)).await;
    }
}

async fn ask(proxy: &Proxy) -> anyhow::Result<Answer> {
    let body = json!({"model": "demo", "input": "Hello"});
    proxy
        .api()
        .send(Request::post("/v1/responses", &body).header("authorization", &format!("Bearer {KEY}")))
        .await
}

#[tokio::test]
async fn a_paused_gateway_goes_on_as_it_was_and_a_revoked_key_is_refused_all_the_same() -> anyhow::Result<()>
{
    let Some(fleet) = Fleet::start().await? else { return Ok(()) };
    fleet.basics().await?;
    fleet.apply(&KEYED.replace("THE_KEY", KEY)).await?;
    let proxy = fleet.proxy("one").await?;
    for what in ["model/demo", "apikey/app", "responsesgateway/main"] {
        fleet.wait(what, "Programmed").await?;
    }
    annotate(&fleet, "fairlead.dev/pause=true").await?;
    gateway(&fleet, "Paused").await?;
    fleet.change("paused").await?;
    assert!(fleet.programmed("Paused", PATIENCE).await?.contains("fairlead.dev/pause"));
    let upstream = || fleet.model.requests().last().map(|last| last.json()["model"].clone());
    assert_eq!(ask(&proxy).await?.status, 200);
    assert_eq!(upstream(), Some(json!("first")));
    // Who starts meanwhile serves the same.
    let late = fleet.proxy("late").await?;
    assert_eq!(ask(&late).await?.status, 200);
    assert_eq!(upstream(), Some(json!("first")));

    fleet.cluster.kubectl(&["delete", "apikey", "app", "--namespace", &fleet.namespace]).await?;
    let end = Instant::now() + PATIENCE;
    while ask(&proxy).await?.status != 401 {
        anyhow::ensure!(Instant::now() < end, "the key is still good\n{}", fleet.operator.log());
        sleep(Duration::from_millis(50)).await;
    }

    fleet.apply(&KEYED.replace("THE_KEY", KEY)).await?;
    annotate(&fleet, "fairlead.dev/pause-").await?;
    fleet.programmed("Programmed", PATIENCE).await?;
    fleet.wait("apikey/app", "Programmed").await?;
    assert_eq!(ask(&proxy).await?.status, 200);
    assert_eq!(upstream(), Some(json!("paused")));
    gateway(&fleet, "Programmed").await?;
    Ok(())
}

const KEYED: &str = r#"
apiVersion: fairlead.dev/v1alpha1
kind: ResponsesGateway
metadata: {name: main, namespace: OWN_NAMESPACE}
spec:
  authentication: {mode: Required, methods: [APIKey]}
  configDelivery: {disconnectTimeout: 5s}
  infrastructure: {mode: External, serviceAccounts: [{name: proxy, namespace: OWN_NAMESPACE}]}
---
apiVersion: v1
kind: Secret
metadata: {name: app-key, namespace: OWN_NAMESPACE}
stringData: {key: THE_KEY}
---
apiVersion: fairlead.dev/v1alpha1
kind: APIKey
metadata: {name: app, namespace: OWN_NAMESPACE}
spec:
  gatewayRefs: [{name: main}]
  secretRef: {name: app-key}
"#;
