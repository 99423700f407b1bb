//! One compiler for files and for a cluster.

use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regression::harness::{Request, proxy};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::fleet::Fleet;

/// What `fairlead-proxy render` prints for the configuration in a file, with the cluster's key of hashes.
async fn rendered(fleet: &Fleet, yaml: &str) -> anyhow::Result<Value> {
    let folder = tempfile::tempdir()?;
    let (config, key) = (folder.path().join("all.yaml"), folder.path().join("key"));
    std::fs::write(&config, yaml)?;
    let get =
        ["get", "secret", "fairlead-operator-hash-key", "--namespace", "fairlead-system", "--output", "json"];
    let secret: Value = serde_json::from_str(&fleet.cluster.kubectl(&get).await?)?;
    let bytes = STANDARD.decode(secret["data"]["key"].as_str().context("no key")?)?;
    std::fs::write(&key, bytes)?;
    let mut command = Command::new(proxy::binary()?);
    command.args(["render", "--config"]).arg(&config).arg("--hash-key-file").arg(&key);
    let output = command.output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What the operator shows a proxy of the gateway.
async fn published(fleet: &Fleet) -> anyhow::Result<Value> {
    let account = (fleet.namespace.as_str(), "proxy");
    let token = fleet.cluster.service_account_token(account, "config.fairlead.dev").await?;
    let path = format!("/config/v1/gateways/{}/main/snapshot", fleet.namespace);
    let request = Request::new("GET", &path).header("authorization", &format!("Bearer {token}"));
    let answer = fleet.operator.delivery().send(request).await?;
    anyhow::ensure!(answer.status == 200, "{}", answer.text());
    let text = answer.text();
    assert_eq!(text.lines().count(), 1, "one part");
    Ok(serde_json::from_str(&text)?)
}

/// The entries by their ids: what they hold, without the generation, which only a cluster counts.
fn contents(entries: &Value) -> Vec<Value> {
    let mut entries = entries.as_array().cloned().unwrap_or_default();
    entries.iter_mut().filter_map(Value::as_object_mut).for_each(|entry| drop(entry.remove("generation")));
    entries.sort_by_key(|entry| entry["id"].to_string());
    entries
}

/// All that a file cannot say is what a cluster knows: the keys of its ServiceAccounts, where a gateway takes those.
#[tokio::test]
async fn the_same_yaml_is_the_same_snapshot_in_files_and_in_a_cluster() -> anyhow::Result<()> {
    let Some(fleet) = Fleet::start().await? else { return Ok(()) };
    let yaml = EVERYTHING.replace("OWN_NAMESPACE", &fleet.namespace);
    fleet.apply(&yaml).await?;
    let _proxy = fleet.proxy("one").await?;
    let objects = [
        "responsesgateway/main",
        "modelprovider/fake",
        "model/demo",
        "mcpserver/docs",
        "toolpolicy/docs",
        "tenant/red",
        "apikey/app",
    ];
    for what in objects {
        fleet.wait(what, "Programmed").await?;
    }
    let (files, cluster) = (rendered(&fleet, &yaml).await?, published(&fleet).await?);
    for (file, object) in contents(&files["entries"]).iter().zip(contents(&cluster["upsert"])) {
        assert_eq!(*file, object);
    }
    assert_eq!(contents(&files["entries"]).len(), objects.len(), "{files}");
    assert_eq!(files["hash"], cluster["hash"]);
    fleet.delivery("told", |delivery| delivery["hash"] == files["hash"]).await?;

    let more = yaml.replace("[APIKey]", "[APIKey, ServiceAccount]");
    fleet.apply(&more).await?;
    let (mut cluster, files) = (changed(&fleet, &cluster["hash"]).await?, rendered(&fleet, &more).await?);
    let gateway = cluster["upsert"].as_array_mut().context("entries")?.iter_mut();
    let gateway = gateway.filter_map(|entry| entry["spec"]["gateway"].as_object_mut()).next();
    assert!(gateway.and_then(|gateway| gateway.remove("clusterKeys")).is_some(), "{cluster}");
    let specs = |entries: &Value| {
        let contents = contents(entries).into_iter();
        contents.map(|entry| (entry["id"].clone(), entry["spec"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(specs(&files["entries"]), specs(&cluster["upsert"]));
    Ok(())
}

/// Waits for another snapshot than this one.
async fn changed(fleet: &Fleet, hash: &Value) -> anyhow::Result<Value> {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let published = published(fleet).await?;
        if published["hash"] != *hash {
            return Ok(published);
        }
        anyhow::ensure!(Instant::now() < end, "still {hash}");
        sleep(Duration::from_millis(50)).await;
    }
}

const EVERYTHING: &str = r#"
apiVersion: fairlead.dev/v1alpha1
kind: ResponsesGateway
metadata: {name: main, namespace: OWN_NAMESPACE}
spec:
  tenancy: {mode: Multi}
  authentication: {mode: Required, methods: [APIKey]}
  infrastructure: {mode: External, serviceAccounts: [{name: proxy, namespace: OWN_NAMESPACE}]}
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: OWN_NAMESPACE}
stringData: {apiKey: first-key}
---
apiVersion: fairlead.dev/v1alpha1
kind: ModelProvider
metadata: {name: fake, namespace: OWN_NAMESPACE}
spec:
  type: OpenAI
  baseURL: https://models.example.com/v1
  openai: {api: ChatCompletions}
  auth: {apiKey: {secretRef: {name: key, key: apiKey}}}
---
apiVersion: fairlead.dev/v1alpha1
kind: Model
metadata: {name: demo, namespace: OWN_NAMESPACE}
spec:
  targets: [{name: only, providerRef: {name: fake}, upstreamModel: first}]
---
apiVersion: fairlead.dev/v1alpha1
kind: MCPServer
metadata: {name: docs, namespace: OWN_NAMESPACE}
spec:
  endpoint: {serviceRef: {name: docs, port: 443, scheme: https}}
  auth: {headers: [{name: X-Key, secretRef: {name: key, key: apiKey}}]}
  tools: {allow: ["get_*"]}
---
apiVersion: fairlead.dev/v1alpha1
kind: ToolPolicy
metadata: {name: docs, namespace: OWN_NAMESPACE}
spec:
  targetRefs: [{kind: MCPServer, name: docs}, {kind: Tenant, name: red}]
  defaultAction: RequireApproval
  rules: [{name: small, action: Allow, tools: {names: [get_page]}, when: "args.n < 5", limits: {callsPerMinute: 9}}]
---
apiVersion: fairlead.dev/v1alpha1
kind: Tenant
metadata: {name: red, namespace: OWN_NAMESPACE}
spec: {namespaces: [OWN_NAMESPACE], displayName: Team Red}
---
apiVersion: v1
kind: Secret
metadata: {name: app-key, namespace: OWN_NAMESPACE}
stringData: {key: fl-0123456789abcdefghijklmnopqrstuvwxyz}
---
apiVersion: fairlead.dev/v1alpha1
kind: APIKey
metadata: {name: app, namespace: OWN_NAMESPACE}
spec:
  gatewayRefs: [{name: main}]
  secretRef: {name: app-key}
"#;
