//! Tool lists: pages, bounds, bad tools beside good ones, and how long a list holds.

use std::time::Duration;

use regression::fakes::mcp::{Act, Behaviour, Eras, Listing, Replies, Tool, Trouble};
use serde_json::{Value, json};
use tools::mcp::{Flaw, Reason};

use super::stage::{Stage, bearing, names, server};

fn many(count: usize) -> Vec<Tool> {
    (0..count).map(|n| Tool::new(&format!("t{n}"), Act::Echo)).collect()
}

#[tokio::test]
async fn pages_are_read_to_the_end() -> anyhow::Result<()> {
    let stage = Stage::new(Behaviour { tools: many(7), page: 3, ..Behaviour::default() }).await?;
    let expected: Vec<String> = (0..7).map(|n| format!("t{n}")).collect();
    assert_eq!(stage.names(&stage.server()).await?, expected);
    assert_eq!(stage.fake.asked("tools/list"), 3);
    Ok(())
}

#[tokio::test]
async fn a_list_without_end_is_given_up() -> anyhow::Result<()> {
    for (listing, reason, requests) in
        [(Listing::Endless, Reason::Pages, 32), (Listing::Repeating, Reason::Repeats, 2)]
    {
        let stage = Stage::new(Behaviour { listing, ..Behaviour::default() }).await?;
        let failure = stage.names(&stage.server()).await.expect_err("endless");
        assert_eq!(failure.reason(), Some(reason));
        assert_eq!(stage.fake.asked("tools/list"), requests, "{listing:?}");
    }
    Ok(())
}

#[tokio::test]
async fn too_many_tools_and_too_many_bytes_are_refused() -> anyhow::Result<()> {
    let stage = Stage::new(Behaviour { tools: many(11), page: 4, ..Behaviour::default() }).await?;
    let mut few = stage.server();
    few.limits.tools = 10;
    assert_eq!(stage.names(&few).await.expect_err("too many").reason(), Some(Reason::Tools));
    let mut small = stage.server();
    small.limits.list_bytes = 900;
    assert_eq!(stage.names(&small).await.expect_err("too large").reason(), Some(Reason::TooLarge));
    Ok(())
}

#[tokio::test]
async fn a_bad_tool_never_hides_the_others() -> anyhow::Result<()> {
    let bad_header =
        json!({"type": "object", "properties": {"x": {"type": "string", "x-mcp-header": "not a token"}}});
    let mut deep = json!(true);
    for _ in 0..40 {
        deep = json!({"items": deep});
    }
    let tools = vec![
        Tool::new("good", Act::Echo),
        Tool::malformed(json!({"name": "bad", "inputSchema": null})),
        Tool::malformed(json!("nonsense")),
        Tool::new("twin", Act::Echo),
        Tool::new("twin", Act::Echo),
        Tool::new("deep", Act::Echo).with("inputSchema", deep),
        Tool::new("any", Act::Echo).with("outputSchema", json!(true)),
    ];
    for eras in [Eras::MODERN, Eras::LEGACY, Eras::SSE] {
        for replies in [Replies::Json, Replies::Stream] {
            let mut tools = tools.clone();
            if eras.modern {
                tools.push(Tool::new("header", Act::Echo).with("inputSchema", bad_header.clone()));
            }
            let stage = Stage::new(Behaviour { eras, replies, tools, ..Behaviour::default() }).await?;
            let server = if eras.sse { server(&stage.fake.sse_url()) } else { stage.server() };
            let catalog = stage.pool.list(&stage.tenant, &server).await?;
            assert_eq!(names(&catalog), ["good", "any"], "{eras:?} {replies:?}");
            let mut flaws: Vec<(Option<&str>, Flaw)> =
                catalog.problems.iter().map(|problem| (problem.tool.as_deref(), problem.flaw)).collect();
            flaws.sort_by_key(|(name, flaw)| (name.map(str::to_owned), format!("{flaw:?}")));
            let mut expected = vec![
                (None, Flaw::Malformed),
                (Some("bad"), Flaw::Malformed),
                (Some("deep"), Flaw::SchemaDepth),
                (Some("twin"), Flaw::Duplicate),
                (Some("twin"), Flaw::Duplicate),
            ];
            if eras.modern {
                expected.insert(3, (Some("header"), Flaw::Header));
            }
            assert_eq!(flaws, expected, "{eras:?} {replies:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_tool_without_a_usable_schema_beside_one_with_headers_leaves_the_headers_working()
-> anyhow::Result<()> {
    let schema =
        json!({"type": "object", "properties": {"text": {"type": "string", "x-mcp-header": "Text"}}});
    let tools = vec![
        Tool::new("echo", Act::Echo).with("inputSchema", schema),
        Tool::malformed(json!({"name": "bad", "inputSchema": 7})),
    ];
    let stage = Stage::new(Behaviour { eras: Eras::MODERN, tools, ..Behaviour::default() }).await?;
    assert_eq!(stage.names(&stage.server()).await?, ["echo"]);
    assert_eq!(stage.call(&stage.server(), "echo", json!({"text": "hi"})).await?, "hi");
    let call = stage.fake.requests().pop().expect("a request");
    assert_eq!(call.header("mcp-param-text"), Some("hi"));
    Ok(())
}

#[tokio::test]
async fn headers_of_arguments_are_sent_even_if_nobody_has_listed_the_tools() -> anyhow::Result<()> {
    let schema =
        json!({"type": "object", "properties": {"text": {"type": "string", "x-mcp-header": "Text"}}});
    let tools = vec![Tool::new("echo", Act::Echo).with("inputSchema", schema)];
    let stage = Stage::new(Behaviour { eras: Eras::MODERN, tools, ..Behaviour::default() }).await?;
    assert_eq!(stage.call(&stage.server(), "echo", json!({"text": "hi"})).await?, "hi");
    assert_eq!(stage.fake.asked("tools/list"), 1);
    Ok(())
}

#[tokio::test]
async fn a_list_holds_as_long_as_the_server_says() -> anyhow::Result<()> {
    let stage = Stage::new(Behaviour { ttl_ms: Some(0), eras: Eras::MODERN, ..Behaviour::default() }).await?;
    for _ in 0..2 {
        stage.names(&stage.server()).await?;
    }
    assert_eq!(stage.fake.asked("tools/list"), 2);
    stage.fake.behave(|behaviour| behaviour.ttl_ms = Some(60_000));
    for _ in 0..3 {
        stage.names(&stage.server()).await?;
    }
    assert_eq!(stage.fake.asked("tools/list"), 3);
    Ok(())
}

#[tokio::test]
async fn a_list_of_a_server_that_does_not_say_holds_as_long_as_configured() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::LEGACY).await?;
    let mut short = stage.server();
    short.catalog_ttl = Duration::ZERO;
    for _ in 0..2 {
        stage.names(&short).await?;
    }
    assert_eq!(stage.fake.asked("tools/list"), 2);
    for _ in 0..2 {
        stage.names(&stage.server()).await?;
    }
    assert_eq!(stage.fake.asked("tools/list"), 3, "the first list was not kept, the second is");
    Ok(())
}

#[tokio::test]
async fn a_list_that_the_server_says_has_changed_is_asked_for_again() -> anyhow::Result<()> {
    for eras in [Eras::LEGACY, Eras::MODERN] {
        let stage = Stage::of(eras).await?;
        let server = stage.server();
        stage.fake.behave(|behaviour| behaviour.tools.push(Tool::new("change", Act::Change)));
        stage.names(&server).await?;
        stage.fake.behave(|behaviour| behaviour.tools.push(Tool::new("new", Act::Echo)));
        assert_eq!(stage.call(&server, "change", json!({})).await?, "changed");
        let names = stage.names(&server).await?;
        assert_eq!(names.last().map(String::as_str), Some("new"), "{eras:?}");
    }
    Ok(())
}

#[tokio::test]
async fn those_who_ask_at_once_cause_one_request() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::LEGACY).await?;
    let server = stage.server();
    let (one, two, three) = tokio::join!(stage.names(&server), stage.names(&server), stage.names(&server));
    assert_eq!((one?.len(), two?.len(), three?.len()), (7, 7, 7));
    assert_eq!((stage.fake.asked("initialize"), stage.fake.asked("tools/list")), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_private_list_is_each_credentials_own_and_a_public_one_is_shared_within_an_object()
-> anyhow::Result<()> {
    for (scope, object, requests) in
        [("private", Some("mcp/a/b"), 2), ("public", Some("mcp/a/b"), 1), ("public", None, 2)]
    {
        let behaviour = Behaviour { eras: Eras::MODERN, scope: Some(scope), ..Behaviour::default() };
        let stage = Stage::new(behaviour).await?;
        for token in ["one", "two"] {
            let mut server = bearing(stage.server(), token);
            server.object = object.map(str::to_owned);
            stage.names(&server).await?;
        }
        assert_eq!(stage.fake.asked("tools/list"), requests, "{scope} {object:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_failure_is_not_kept() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::LEGACY).await?;
    stage.fake.trouble("tools/list", Trouble::html(), Some(1));
    assert!(stage.names(&stage.server()).await.is_err());
    assert_eq!(stage.names(&stage.server()).await?.len(), 7);
    Ok(())
}

#[tokio::test]
async fn what_a_model_will_read_is_clean_and_the_digest_tells_of_every_change() -> anyhow::Result<()> {
    let described = |words: &str| vec![Tool::new("t", Act::Echo).with("description", Value::from(words))];
    let tools = described("Adds\u{200b} numbers\u{202e}.");
    let stage = Stage::new(Behaviour { tools, ttl_ms: Some(0), ..Behaviour::default() }).await?;
    let before = stage.pool.list(&stage.tenant, &stage.server()).await?;
    assert_eq!(before.tools[0].description.as_deref(), Some("Adds numbers."));
    stage.fake.behave(|behaviour| behaviour.tools = described("Adds numbers."));
    let after = stage.pool.list(&stage.tenant, &stage.server()).await?;
    assert_ne!(before.tools[0].digest, after.tools[0].digest);
    Ok(())
}
