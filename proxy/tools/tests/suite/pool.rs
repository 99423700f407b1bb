//! Who shares a connection with whom, and when connections go.

use std::collections::BTreeSet;

use protocol::id::Tenant;
use regression::fakes::mcp::Eras;
use serde_json::json;

use super::stage::{Stage, bearing, call, web};

#[tokio::test]
async fn one_connection_serves_a_tenant_with_the_same_credentials() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::LEGACY).await?;
    for _ in 0..3 {
        stage.call(&bearing(stage.server(), "one"), "echo", json!({"text": "x"})).await?;
    }
    stage.names(&bearing(stage.server(), "one")).await?;
    assert_eq!(stage.fake.asked("initialize"), 1);
    Ok(())
}

#[tokio::test]
async fn tenants_credentials_objects_and_rules_never_share_one() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::LEGACY).await?;
    let echo = call("echo", json!({"text": "x"}));
    let one = bearing(stage.server(), "one");
    let mut object = bearing(stage.server(), "one");
    object.object = Some("mcp/a/b".into());
    let mut reach = bearing(stage.server(), "one");
    web(&mut reach).reach.private = true;
    let (acme, other) = (Tenant::new("acme"), Tenant::new("other"));
    let two = bearing(stage.server(), "two");
    for (tenant, server) in [(&acme, &one), (&other, &one), (&acme, &two), (&acme, &object), (&acme, &reach)]
    {
        stage.pool.call(tenant, server, &echo).await?;
        stage.pool.list(tenant, server).await?;
    }
    assert_eq!((stage.fake.asked("initialize"), stage.fake.asked("tools/list")), (5, 5));
    assert_eq!((stage.pool.connections(&acme), stage.pool.connections(&other)), (4, 1));
    let tokens = stage.fake.requests();
    let two_sessions = tokens.iter().filter(|request| request.header("authorization") == Some("Bearer two"));
    let two_sessions: BTreeSet<&str> =
        two_sessions.filter_map(|request| request.header("mcp-session-id")).collect();
    assert_eq!(two_sessions, BTreeSet::from(["session-3"]));
    Ok(())
}

#[tokio::test]
async fn an_object_that_changes_lets_go_of_its_connections_after_the_calls_in_flight() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::LEGACY).await?;
    let mut server = stage.server();
    server.object = Some("mcp/a/b".into());
    let (called, forgotten) = tokio::join!(stage.call(&server, "slow", json!({})), async {
        stage.fake.until_asked("tools/call", 1).await?;
        stage.pool.forget("mcp/a/b");
        anyhow::Ok(stage.pool.connections(&stage.tenant))
    });
    assert_eq!((called?.as_str(), forgotten?), ("done", 0));
    stage.fake.until(|counts| counts.ended == 1).await?;
    Ok(())
}

#[tokio::test]
async fn a_pool_that_closes_ends_its_sessions_at_the_servers() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::LEGACY).await?;
    stage.names(&stage.server()).await?;
    stage.names(&bearing(stage.server(), "two")).await?;
    stage.pool.close().await;
    assert_eq!((stage.fake.counts().ended, stage.fake.counts().sessions), (2, 0));
    Ok(())
}

#[tokio::test]
async fn a_tenant_has_a_bounded_number_of_connections_and_the_least_used_goes_first() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::MODERN).await?;
    let (first, other) = (bearing(stage.server(), "0"), Tenant::new("other"));
    stage.pool.list(&other, &first).await?;
    for token in 0..257 {
        stage.names(&bearing(stage.server(), &token.to_string())).await?;
        stage.names(&first).await?;
    }
    assert_eq!((stage.pool.connections(&stage.tenant), stage.pool.connections(&other)), (256, 1));
    let before = stage.fake.asked("tools/list");
    stage.names(&first).await?;
    assert_eq!(stage.fake.asked("tools/list"), before, "it was used all the time");
    stage.names(&bearing(stage.server(), "1")).await?;
    assert_eq!(stage.fake.asked("tools/list"), before + 1, "it was not");
    Ok(())
}
