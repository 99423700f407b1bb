//! What a server speaks is found out, remembered, and found out again when it changes.

use regression::fakes::mcp::{Behaviour, Eras, Replies, Trouble};
use serde_json::json;
use tools::mcp::Protocol;

use super::stage::{Stage, server, speaking};

const USUAL: [&str; 7] = ["echo", "add", "meta", "blocks", "slow", "hang", "fail"];

#[tokio::test]
async fn every_era_is_found_out_and_works() -> anyhow::Result<()> {
    for (eras, protocol) in [
        (Eras::MODERN, "2026-07-28"),
        (Eras::LEGACY, "2025-11-25"),
        (Eras::BOTH, "2026-07-28"),
        (Eras::SSE, "2024-11-05"),
    ] {
        for replies in [Replies::Json, Replies::Stream] {
            let stage = Stage::new(Behaviour { eras, replies, ..Behaviour::default() }).await?;
            let server = if eras.sse { server(&stage.fake.sse_url()) } else { stage.server() };
            let catalog = stage.pool.list(&stage.tenant, &server).await?;
            assert_eq!(super::stage::names(&catalog), USUAL, "{eras:?} {replies:?}");
            assert_eq!(catalog.protocol, protocol, "{eras:?} {replies:?}");
            assert_eq!(catalog.problems, [], "{eras:?} {replies:?}");
            let sum = stage.call(&server, "add", json!({"a": 2, "b": 3})).await?;
            assert_eq!(sum, "{\"sum\": 5}", "{eras:?} {replies:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_configured_protocol_is_not_looked_for() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::BOTH).await?;
    stage.names(&speaking(stage.server(), Protocol::Legacy)).await?;
    assert_eq!((stage.fake.asked("initialize"), stage.fake.asked("server/discover")), (1, 0));
    stage.names(&speaking(stage.server(), Protocol::Modern)).await?;
    assert_eq!((stage.fake.asked("initialize"), stage.fake.asked("server/discover")), (1, 1));
    Ok(())
}

#[tokio::test]
async fn the_era_is_remembered_for_other_connections() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::LEGACY).await?;
    stage.names(&stage.server()).await?;
    stage.names(&super::stage::bearing(stage.server(), "other")).await?;
    assert_eq!((stage.fake.asked("server/discover"), stage.fake.asked("initialize")), (1, 2));
    Ok(())
}

#[tokio::test]
async fn a_server_that_changes_its_era_is_found_again() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::LEGACY).await?;
    stage.names(&stage.server()).await?;
    stage.fake.behave(|behaviour| behaviour.eras = Eras::MODERN);
    stage.fake.restart();
    let other = super::stage::bearing(stage.server(), "other");
    assert_eq!(stage.names(&other).await?, USUAL);
    stage.fake.behave(|behaviour| behaviour.eras = Eras::LEGACY);
    let third = super::stage::bearing(stage.server(), "third");
    assert_eq!(stage.names(&third).await?, USUAL);
    Ok(())
}

#[tokio::test]
async fn answers_that_are_no_discovery_mean_an_older_server() -> anyhow::Result<()> {
    for trouble in [
        Trouble::Empty,
        Trouble::Error(-32601, "no such method".into()),
        Trouble::Error(-32602, "bad".into()),
        Trouble::status(400),
        Trouble::status(404),
        Trouble::status(405),
    ] {
        let behaviour = Behaviour { eras: Eras::LEGACY, ..Behaviour::default() };
        let stage = Stage::new(behaviour.with_trouble("server/discover", trouble.clone(), None)).await?;
        assert_eq!(stage.names(&stage.server()).await?, USUAL, "{trouble:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_hangs_at_a_discovery_is_greeted_in_the_older_way() -> anyhow::Result<()> {
    let behaviour = Behaviour { eras: Eras::LEGACY, ..Behaviour::default() };
    let stage = Stage::new(behaviour.with_trouble("server/discover", Trouble::Hang, None)).await?;
    assert_eq!(stage.names(&stage.server()).await?, USUAL);
    Ok(())
}

#[tokio::test]
async fn modern_requests_say_what_they_are_and_legacy_ones_belong_to_a_session() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::MODERN).await?;
    stage.call(&stage.server(), "echo", json!({"text": "x"})).await?;
    let call = stage.fake.requests().pop().expect("a request");
    let header = |name| call.header(name);
    assert_eq!((header("mcp-method"), header("mcp-name")), (Some("tools/call"), Some("echo")));
    assert_eq!((header("mcp-protocol-version"), header("mcp-session-id")), (Some("2026-07-28"), None));
    assert_eq!(call.json()["params"]["_meta"]["io.modelcontextprotocol/clientInfo"]["name"], "fairlead");

    let stage = Stage::of(Eras::LEGACY).await?;
    stage.call(&stage.server(), "echo", json!({"text": "x"})).await?;
    let call = stage.fake.requests().into_iter().find(|request| request.json()["method"] == "tools/call");
    let call = call.expect("a call");
    assert_eq!(call.header("mcp-session-id"), Some("session-1"));
    assert_eq!(call.header("mcp-protocol-version"), Some("2025-11-25"));
    Ok(())
}

#[tokio::test]
async fn a_session_that_the_server_forgot_is_begun_again_and_the_call_goes_through() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::LEGACY).await?;
    stage.call(&stage.server(), "echo", json!({"text": "one"})).await?;
    stage.fake.restart();
    assert_eq!(stage.call(&stage.server(), "echo", json!({"text": "two"})).await?, "two");
    assert_eq!(stage.fake.asked("initialize"), 2);
    Ok(())
}
