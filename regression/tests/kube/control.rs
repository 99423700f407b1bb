//! From `kubectl apply` to the next request, and what statuses say on the way.

use regression::harness::{Proxy, Request};
use serde_json::{Value, json};

use super::fleet::{Fleet, PATIENCE};

fn hello() -> Value {
    json!({"model": "demo", "input": "Hello"})
}

/// The model's name as it went upstream with the last request.
fn asked(fleet: &Fleet) -> Value {
    fleet.model.requests().last().map(|request| request.json()["model"].clone()).unwrap_or_default()
}

#[tokio::test]
async fn what_is_programmed_is_what_the_next_request_gets() -> anyhow::Result<()> {
    let Some(fleet) = Fleet::start().await? else { return Ok(()) };
    fleet.basics().await?;
    let names = ["one", "two", "three"];
    let mut proxies: Vec<Proxy> = Vec::new();
    for name in names {
        proxies.push(fleet.proxy(name).await?);
    }
    fleet.wait("model/demo", "Programmed").await?;
    fleet.wait("model/demo", "Ready").await?;
    for round in 0..200 {
        let upstream = format!("version-{round}");
        fleet.change(&upstream).await?;
        fleet.wait("model/demo", "Programmed").await?;
        for proxy in &proxies {
            let answer = proxy.api().post("/v1/responses", &hello()).await?;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(asked(&fleet), upstream.as_str(), "round {round}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_missing_reference_is_a_condition_and_its_mending_is_seen_at_once() -> anyhow::Result<()> {
    let Some(fleet) = Fleet::start().await? else { return Ok(()) };
    fleet.basics().await?;
    let proxy = fleet.proxy("one").await?;
    fleet.wait("model/demo", "Ready").await?;
    let broken = "apiVersion: fairlead.dev/v1alpha1\nkind: Model\nmetadata: {name: other, namespace: OWN_NAMESPACE}\nspec:\n  targets: \
                  [{name: only, providerRef: {name: later}, upstreamModel: x}]\n";
    fleet.apply(broken).await?;
    fleet.wait("model/other", "ResolvedRefs=false").await?;
    let condition = fleet.condition("model/other", "ResolvedRefs").await?;
    assert_eq!(condition["reason"], "ProviderNotFound", "{condition}");
    assert!(condition["message"].as_str().is_some_and(|message| message.contains("later")), "{condition}");
    assert_eq!(proxy.api().post("/v1/responses", &hello()).await?.status, 200, "others are served");
    let later = "apiVersion: fairlead.dev/v1alpha1\nkind: ModelProvider\nmetadata: {name: later, namespace: OWN_NAMESPACE}\nspec: {type: \
                 OpenAI, baseURL: MODEL_SERVER, openai: {api: ChatCompletions}}\n";
    fleet.apply(later).await?;
    fleet.wait("model/other", "Ready").await?;
    let answer = proxy.api().post("/v1/responses", &json!({"model": "other", "input": "Hello"})).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    Ok(())
}

#[tokio::test]
async fn a_rotated_secret_is_used_without_a_failed_request() -> anyhow::Result<()> {
    let Some(fleet) = Fleet::start().await? else { return Ok(()) };
    fleet.basics().await?;
    let proxy = fleet.proxy("one").await?;
    fleet.wait("modelprovider/fake", "Ready").await?;
    let rotated = "apiVersion: v1\nkind: Secret\nmetadata: {name: key, namespace: OWN_NAMESPACE}\nstringData: {apiKey: second-key}\n";
    fleet.apply(rotated).await?;
    let mut used = String::new();
    for _ in 0..500 {
        assert_eq!(proxy.api().post("/v1/responses", &hello()).await?.status, 200);
        let requests = fleet.model.requests();
        let last = requests.last().and_then(|request| request.header("authorization").map(str::to_owned));
        used = last.unwrap_or_default();
        if used == "Bearer second-key" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(used, "Bearer second-key");
    for log in [fleet.operator.log(), proxy.log()] {
        assert!(!log.contains("first-key") && !log.contains("second-key"), "a key is in a log");
    }
    Ok(())
}

#[tokio::test]
async fn a_proxy_serves_and_starts_again_while_the_operator_is_away() -> anyhow::Result<()> {
    let Some(mut fleet) = Fleet::start().await? else { return Ok(()) };
    fleet.basics().await?;
    let folder = tempfile::tempdir()?;
    let (cache, key) = (folder.path().join("cache"), folder.path().join("key"));
    std::fs::write(&key, [7; 32])?;
    let (cache, key) = (cache.display().to_string(), key.display().to_string());
    let flags = ["--config-cache", cache.as_str(), "--config-cache-key-file", key.as_str()];
    let mut proxy = fleet.setup("one").await?.flags(&flags).start().await?;
    assert_eq!(proxy.api().post("/v1/responses", &hello()).await?.status, 200);
    fleet.operator.kill().await?;
    assert_eq!(proxy.api().post("/v1/responses", &hello()).await?.status, 200);
    proxy.restart().await?;
    assert_eq!(proxy.api().post("/v1/responses", &hello()).await?.status, 200);
    let status = proxy.admin().get("/status").await?.text();
    assert!(status.contains("disk ("), "{status}");
    let kept = std::fs::read_dir(folder.path().join("cache"))?.next().expect("a file")?.path();
    let kept = String::from_utf8_lossy(&std::fs::read(kept)?).into_owned();
    assert!(!kept.contains("fake") && !kept.contains("first-key"), "what is on disk is sealed");
    Ok(())
}

#[tokio::test]
async fn a_proxy_sees_its_own_gateway_alone() -> anyhow::Result<()> {
    let Some(fleet) = Fleet::start().await? else { return Ok(()) };
    fleet.basics().await?;
    let _proxy = fleet.proxy("one").await?;
    let token = |name: &'static str, audience: &'static str| {
        fleet.cluster.service_account_token((&fleet.namespace, name), audience)
    };
    let path = format!("/config/v1/gateways/{}/main/snapshot", fleet.namespace);
    let ask = |path: &str, token: Option<String>| {
        let mut request = Request::new("GET", path);
        if let Some(token) = token {
            request = request.header("authorization", &format!("Bearer {token}"));
        }
        let client = fleet.operator.delivery();
        async move { client.send(request).await }
    };
    let own = token("proxy", "config.fairlead.dev").await?;
    let answer = ask(&path, Some(own.clone())).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains("model/"), "{}", answer.text());
    let refused = [
        (path.as_str(), None, 401),
        (&path, Some("guessed".to_owned()), 401),
        (&path, Some(token("proxy", "fairlead").await?), 401),
        (&path, Some(token("stranger", "config.fairlead.dev").await?), 403),
        ("/config/v1/gateways/nowhere/none/snapshot", Some(own), 403),
        ("/", None, 401),
    ];
    for (path, token, status) in refused {
        let answer = ask(path, token).await?;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
    Ok(())
}

#[tokio::test]
async fn a_leader_that_is_killed_is_followed_by_another() -> anyhow::Result<()> {
    let Some(mut fleet) = Fleet::start().await? else { return Ok(()) };
    fleet.basics().await?;
    let proxy = fleet.proxy("one").await?;
    fleet.wait("model/demo", "Programmed").await?;
    fleet.operator.kill().await?;
    let name = format!("{}-2", fleet.namespace);
    fleet.operator = regression::harness::Operator::start(fleet.cluster, &name).await?;
    fleet.operator.ready().await?;
    fleet.operator.until_it_leads(PATIENCE).await?;
    // Who joins now is answered by the new leader, whose epoch is higher.
    let second = fleet.proxy("two").await?;
    for proxy in [&proxy, &second] {
        assert_eq!(proxy.api().post("/v1/responses", &hello()).await?.status, 200);
    }
    Ok(())
}
