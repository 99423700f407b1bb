//! An operator that begins anew and finds less than its proxies serve.

use regression::harness::{Front, Operator, Proxy};
use serde_json::{Value, json};

use super::fleet::{Fleet, PATIENCE};
use super::guards::annotate;

/// Kills the operator and starts another, which knows nothing of the first.
pub(crate) async fn restarted(fleet: &mut Fleet, front: &Front) -> anyhow::Result<()> {
    fleet.operator.kill().await?;
    fleet.cluster.release_lease().await?;
    let mut next = Operator::start(fleet.cluster, &format!("{}-2", fleet.namespace)).await?;
    next.ready().await?;
    next.until_it_leads(PATIENCE).await?;
    front.turn_to(next.delivery().address());
    fleet.operator = next;
    Ok(())
}

/// Waits until the operator has sent something to the proxies of the gateway, by its own word.
async fn until_published(fleet: &Fleet, before: u64) -> anyhow::Result<()> {
    let is_later = |delivery: &Value| delivery["epoch"].as_u64().is_some_and(|epoch| epoch > before);
    fleet.delivery("of the next", is_later).await?;
    Ok(())
}

async fn epoch(fleet: &Fleet) -> anyhow::Result<u64> {
    let delivery = fleet.delivery("told", |delivery| delivery["epoch"].is_u64()).await?;
    Ok(delivery["epoch"].as_u64().unwrap_or_default())
}

/// Asks the model, which was called by this name and with this key.
async fn asks(fleet: &Fleet, proxy: &Proxy, upstream: &str) -> anyhow::Result<()> {
    let answer = proxy.api().post("/v1/responses", &json!({"model": "demo", "input": "Hello"})).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let request = fleet.model.requests().pop();
    let request = request.as_ref();
    assert_eq!(request.map(|request| request.json()["model"].clone()), Some(json!(upstream)));
    assert_eq!(request.and_then(|request| request.header("authorization")), Some("Bearer first-key"));
    Ok(())
}

async fn effective(fleet: &Fleet, what: &str) -> anyhow::Result<Value> {
    let get = ["get", what, "--namespace", &fleet.namespace, "--output", "json"];
    let object: Value = serde_json::from_str(&fleet.cluster.kubectl(&get).await?)?;
    Ok(object["status"]["effective"].clone())
}

#[tokio::test]
async fn what_proxies_serve_of_a_broken_object_outlives_operator_and_proxies() -> anyhow::Result<()> {
    let Some(mut fleet) = Fleet::start().await? else { return Ok(()) };
    fleet.apply(ELDER).await?;
    fleet.basics().await?;
    let front = Front::start(fleet.operator.delivery().address()).await?;
    let mut proxy = fleet.setup_at("one", &front.url()).await?.start().await?;
    fleet.wait("model/demo", "Ready").await?;
    asks(&fleet, &proxy, "first").await?;

    fleet.apply(BROKEN).await?;
    fleet.cluster.kubectl(&["delete", "secret", "key", "--namespace", &fleet.namespace]).await?;
    fleet.wait("modelprovider/fake", "Accepted=false").await?;
    fleet.wait("modelprovider/fake", "ResolvedRefs=false").await?;
    let (served, before) = (effective(&fleet, "modelprovider/fake").await?, epoch(&fleet).await?);
    assert!(served["contentHash"].is_string(), "{served}");
    asks(&fleet, &proxy, "first").await?;

    restarted(&mut fleet, &front).await?;
    until_published(&fleet, before).await?;
    assert!(proxy.log().contains("Giving the operator what it asks for"), "{}", proxy.log());
    assert!(!fleet.operator.log().contains("sk-") && !fleet.operator.log().contains("first-key"));
    asks(&fleet, &proxy, "first").await?;
    // It has nothing of its own: what it gets is what the operator has.
    proxy.restart().await?;
    asks(&fleet, &proxy, "first").await?;
    let late = fleet.setup_at("late", &front.url()).await?.start().await?;
    asks(&fleet, &late, "first").await?;
    assert_eq!(effective(&fleet, "modelprovider/fake").await?, served);
    assert_eq!(fleet.condition("modelprovider/fake", "Degraded").await?["reason"], "ServingLastGood");

    fleet.basics().await?;
    fleet.wait("modelprovider/fake", "Ready").await?;
    fleet.wait("model/demo", "Ready").await?;
    asks(&fleet, &late, "first").await?;
    Ok(())
}

#[tokio::test]
async fn a_gateway_stays_paused_over_a_restart_of_the_operator() -> anyhow::Result<()> {
    let Some(mut fleet) = Fleet::start().await? else { return Ok(()) };
    fleet.basics().await?;
    let front = Front::start(fleet.operator.delivery().address()).await?;
    let proxy = fleet.setup_at("one", &front.url()).await?.start().await?;
    fleet.wait("model/demo", "Ready").await?;
    annotate(&fleet, "fairlead.dev/pause=true").await?;
    fleet.change("later").await?;
    fleet.programmed("Paused", PATIENCE).await?;
    let before = epoch(&fleet).await?;
    restarted(&mut fleet, &front).await?;
    until_published(&fleet, before).await?;
    asks(&fleet, &proxy, "first").await?;
    let late = fleet.setup_at("late", &front.url()).await?.start().await?;
    asks(&fleet, &late, "first").await?;
    fleet.programmed("Paused", PATIENCE).await?;

    annotate(&fleet, "fairlead.dev/pause-").await?;
    fleet.programmed("Programmed", PATIENCE).await?;
    asks(&fleet, &late, "later").await?;
    Ok(())
}

const ELDER: &str = r#"
apiVersion: fairlead.dev/v1alpha1
kind: ModelProvider
metadata: {name: elder, namespace: OWN_NAMESPACE}
spec: {type: OpenAI, baseURL: "https://models.example.com/v1", directModels: Allow, aliases: [taken]}
"#;

/// Claims a name that another provider has.
const BROKEN: &str = r#"
apiVersion: fairlead.dev/v1alpha1
kind: ModelProvider
metadata: {name: fake, namespace: OWN_NAMESPACE}
spec:
  type: OpenAI
  baseURL: https://elsewhere.example.com/v1
  directModels: Allow
  aliases: [taken]
  auth: {apiKey: {secretRef: {name: key, key: apiKey}}}
"#;
