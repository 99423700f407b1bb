//! The definitions in a real API server.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use regression::harness::kube::Cluster;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::on_kubernetes::fixtures::{Breach, breaches, objects};
use crate::on_kubernetes::stage::{cluster, definitions};

/// How many kubectl run at a time.
const AT_A_TIME: usize = 4;
const FROM_INPUT: [&str; 3] = ["--filename", "-", "--dry-run=server"];

#[tokio::test]
async fn applying_the_definitions_again_changes_nothing() -> anyhow::Result<()> {
    let Some(cluster) = cluster().await? else { return Ok(()) };
    let before = versions(cluster).await?;
    cluster.define().await?;
    assert_eq!(versions(cluster).await?, before);
    assert_eq!(before.len(), definitions()?.len());
    Ok(())
}

/// The resource version of each of our definitions.
async fn versions(cluster: &Cluster) -> anyhow::Result<BTreeMap<String, Value>> {
    let listed = cluster.admin().json(&["get", "customresourcedefinitions"]).await?;
    let items = listed["items"].as_array().context("no list")?;
    let ours = items.iter().filter(|item| item["spec"]["group"] == "fairlead.dev");
    Ok(ours.map(|item| (name(item), item["metadata"]["resourceVersion"].clone())).collect())
}

fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_server_finds_nothing_to_complain_of_in_the_definitions() -> anyhow::Result<()> {
    let Some(cluster) = cluster().await? else { return Ok(()) };
    for definition in definitions()? {
        let get = ["get", "customresourcedefinition", &name(&definition)];
        let conditions = cluster.admin().json(&get).await?["status"]["conditions"].clone();
        let conditions = conditions.as_array().context("no conditions")?.clone();
        let holding = conditions.iter().filter(|condition| condition["status"] == "True");
        let holding: BTreeSet<&str> = holding.filter_map(|condition| condition["type"].as_str()).collect();
        assert_eq!(holding, BTreeSet::from(["Established", "NamesAccepted"]), "{conditions:?}");
    }
    Ok(())
}

#[tokio::test]
async fn kubectl_explains_each_field_of_a_spec() -> anyhow::Result<()> {
    let Some(cluster) = cluster().await? else { return Ok(()) };
    for definition in definitions()? {
        let singular = definition["spec"]["names"]["singular"].as_str().context("no singular name")?;
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let fields = schema["properties"]["spec"]["properties"].as_object().context("no spec")?;
        let told = words(&explanation(cluster, &format!("{singular}.spec")).await?);
        for (field, schema) in fields {
            let description = words(schema["description"].as_str().context("no description")?);
            assert!(told.contains(&description), "{singular}.spec.{field}: {description}\n{told}");
        }
    }
    let targets = words(&explanation(cluster, "model.spec.targets").await?);
    assert!(targets.contains("providerRef"), "{targets}");
    Ok(())
}

/// The server publishes a schema some time after the definition is established.
async fn explanation(cluster: &Cluster, path: &str) -> anyhow::Result<String> {
    let explain = ["explain", path];
    let soon = async {
        while cluster.kubectl(&explain).await.is_err() {
            sleep(Duration::from_millis(200)).await;
        }
    };
    // Where this fails, the answer below says why.
    let _ = timeout(Duration::from_secs(30), soon).await;
    cluster.kubectl(&explain).await
}

/// Without line breaks and indentation.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn every_valid_object_is_accepted() -> anyhow::Result<()> {
    let Some(cluster) = cluster().await? else { return Ok(()) };
    let objects = objects()?;
    namespaces(cluster, &objects).await?;
    let text = objects.iter().map(Value::to_string).collect::<Vec<_>>().join("\n---\n");
    let create = [&["create", "--output", "name"], &FROM_INPUT[..]].concat();
    let created = cluster.kubectl_stdin(&create, &text).await?;
    assert_eq!(created.lines().count(), objects.len(), "{created}");

    let kinds: BTreeSet<_> = objects.iter().map(|object| object["kind"].clone().to_string()).collect();
    let defined = definitions()?;
    let defined: BTreeSet<_> =
        defined.iter().map(|definition| definition["spec"]["names"]["kind"].to_string()).collect();
    assert_eq!(kinds, defined, "each kind has an object in valid.yaml");
    Ok(())
}

/// Makes the namespaces that the fixtures name.
async fn namespaces(cluster: &Cluster, objects: &[Value]) -> anyhow::Result<()> {
    let named: BTreeSet<&str> =
        objects.iter().filter_map(|object| object["metadata"]["namespace"].as_str()).collect();
    let make = |name: &&str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let text = named.iter().map(make).map(|made| made.to_string()).collect::<Vec<_>>().join("\n---\n");
    cluster.kubectl_stdin(&["apply", "--server-side", "--filename", "-"], &text).await?;
    Ok(())
}

#[tokio::test]
async fn every_breach_is_refused_with_its_field_and_message() -> anyhow::Result<()> {
    let Some(cluster) = cluster().await? else { return Ok(()) };
    namespaces(cluster, &objects()?).await?;
    let missed = stream::iter(breaches()?)
        .map(|breach| missed(cluster, breach))
        .buffer_unordered(AT_A_TIME)
        .try_filter_map(async |missed| Ok(missed));
    let missed: Vec<String> = missed.try_collect().await?;
    assert!(missed.is_empty(), "{}", missed.join("\n\n"));
    Ok(())
}

/// What is wrong with the answer to a breach, if anything is.
async fn missed(cluster: &Cluster, breach: Breach) -> anyhow::Result<Option<String>> {
    let mut object = breach.object()?;
    let verb = if let Some(before) = breach.before()? {
        let namespace = cluster.namespace().await?;
        object["metadata"]["namespace"] = namespace.as_str().into();
        if !is_there(cluster, before, &namespace).await? {
            return Ok(None);
        }
        "replace"
    } else {
        "create"
    };
    let answer = cluster.kubectl_stdin(&[&[verb], &FROM_INPUT[..]].concat(), &object.to_string()).await;
    let Err(refused) = answer else { return Ok(Some(format!("{breach:?} is accepted"))) };
    let refused = format!("{refused:#}");
    Ok((!breach.is_told_by(&refused)).then(|| format!("{breach:?}\n{refused}")))
}

/// Whether an object could be made. One whose value is not offered yet cannot be there before a change either.
async fn is_there(cluster: &Cluster, mut object: Value, namespace: &str) -> anyhow::Result<bool> {
    object["metadata"]["namespace"] = namespace.into();
    match cluster.kubectl_stdin(&["create", "--filename", "-"], &object.to_string()).await {
        Ok(_) => Ok(true),
        Err(refused) if format!("{refused:#}").contains("Unsupported value") => Ok(false),
        Err(refused) => Err(refused),
    }
}

#[tokio::test]
async fn objects_are_found_by_short_name_and_by_category() -> anyhow::Result<()> {
    let Some(cluster) = cluster().await? else { return Ok(()) };
    let namespace = cluster.namespace().await?;
    let definitions = definitions()?;
    for definition in &definitions {
        let names = &definition["spec"]["names"];
        let mut object =
            objects()?.into_iter().find(|object| object["kind"] == names["kind"]).context("no object")?;
        object["metadata"]["namespace"] = namespace.as_str().into();
        cluster.kubectl_stdin(&["create", "--filename", "-"], &object.to_string()).await?;
        let short = names["shortNames"][0].as_str().context("no short name")?;
        let found = cluster.kubectl(&["get", short, "--namespace", &namespace, "--output", "name"]).await?;
        let full =
            format!("{}.fairlead.dev/{}", names["singular"].as_str().unwrap_or_default(), name(&object));
        assert_eq!(found.trim(), full);
    }
    let of_all = cluster.kubectl(&["get", "fairlead", "--all-namespaces", "--no-headers"]).await?;
    let found = of_all.lines().filter(|line| line.starts_with(&format!("{namespace} "))).count();
    assert_eq!(found, definitions.len(), "{of_all}");
    Ok(())
}
