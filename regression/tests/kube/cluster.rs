//! The cluster of the harness keeps its promises.

use regression::harness::kube::Cluster;
use serde_json::{Value, json};

#[tokio::test]
async fn an_outage_or_a_crash_of_the_api_server_loses_nothing() -> anyhow::Result<()> {
    if Cluster::available().is_none() {
        return Ok(());
    }
    let cluster = Cluster::start().await?;
    let namespace = cluster.namespace().await?;
    let get = ["get", "namespace", namespace.as_str(), "--request-timeout", "2s"];

    cluster.pause()?;
    assert!(cluster.kubectl(&get).await.is_err(), "it answers while it is paused");
    cluster.resume()?;
    cluster.kubectl(&get).await?;

    cluster.stop();
    assert!(cluster.kubectl(&get).await.is_err(), "it answers while it is stopped");
    cluster.restart().await?;
    cluster.kubectl(&get).await?;
    Ok(())
}

#[tokio::test]
async fn a_token_is_its_service_account_and_may_do_nothing_by_itself() -> anyhow::Result<()> {
    let Some(cluster) = Cluster::shared().await? else { return Ok(()) };
    let namespace = cluster.namespace().await?;
    let token = cluster.service_account_token((&namespace, "agent"), "fairlead").await?;
    let user = format!("system:serviceaccount:{namespace}:agent");

    let review = review(cluster, &token, "fairlead").await?;
    assert_eq!(review["authenticated"], true, "{review}");
    assert_eq!(review["user"]["username"], user.as_str());
    assert_eq!(review["audiences"], json!(["fairlead"]));
    assert_eq!(self::review(cluster, &token, "other").await?["authenticated"], Value::Null);

    // The API server is another audience.
    let own = cluster.service_account_token((&namespace, "agent"), "https://kubernetes.default.svc").await?;
    let refused = cluster.holder_of(&own)?.run(&["get", "secrets"]).await.unwrap_err();
    assert!(format!("{refused:#}").contains(&format!("User \"{user}\" cannot list")), "{refused:#}");
    Ok(())
}

async fn review(cluster: &Cluster, token: &str, audience: &str) -> anyhow::Result<Value> {
    let review = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
        "spec": {"token": token, "audiences": [audience]},
    });
    let create = ["create", "--filename", "-", "--output", "json"];
    let reviewed: Value = serde_json::from_str(&cluster.kubectl_stdin(&create, &review.to_string()).await?)?;
    Ok(reviewed["status"].clone())
}

#[tokio::test]
async fn a_guessed_token_is_refused() -> anyhow::Result<()> {
    let Some(cluster) = Cluster::shared().await? else { return Ok(()) };
    let refused = cluster.holder_of("guessed")?.run(&["get", "--raw", "/version"]).await.unwrap_err();
    assert!(format!("{refused:#}").contains("must be logged in"), "{refused:#}");
    Ok(())
}

#[tokio::test]
async fn writes_are_counted_by_user_and_reads_are_not() -> anyhow::Result<()> {
    let Some(cluster) = Cluster::shared().await? else { return Ok(()) };
    let namespace = cluster.namespace().await?;
    let token =
        cluster.service_account_token((&namespace, "writer"), "https://kubernetes.default.svc").await?;
    let user = format!("system:serviceaccount:{namespace}:writer");
    let (within, subject) = (["--namespace", namespace.as_str()], format!("{namespace}:writer"));
    let role = ["create", "role", "writer", "--verb", "create,list", "--resource", "configmaps"];
    let binding = ["create", "rolebinding", "writer", "--role", "writer", "--serviceaccount", &subject];
    for grant in [role, binding] {
        cluster.kubectl(&[&grant[..], &within].concat()).await?;
    }

    let mark = cluster.audit_mark()?;
    let writer = cluster.holder_of(&token)?;
    for value in ["1", "2"] {
        let name = format!("c{value}");
        writer.run(&[&["create", "configmap", &name], &within[..]].concat()).await?;
        writer.run(&[&["get", "configmaps"], &within[..]].concat()).await?;
    }
    assert_eq!(cluster.audit_writes(mark)?.get(&user), Some(&2));
    let own: Vec<_> = cluster.audit(mark)?.into_iter().filter(|write| write.user == user).collect();
    assert_eq!((own[0].verb.as_str(), own[0].resource.as_str(), own[0].code), ("create", "configmaps", 201));
    assert_eq!((own[0].namespace.as_str(), own[1].name.as_str()), (namespace.as_str(), "c2"));
    Ok(())
}
