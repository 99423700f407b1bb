//! Servers that misbehave: every failure comes in time, in our words, and the next call starts afresh.

use std::sync::Arc;
use std::time::Duration;

use protocol::destination::Denied;
use regression::fakes::mcp::{Access, Act, Behaviour, Eras, Replies, Tool, Trouble};
use reqwest::dns::{Name, Resolve, Resolving};
use serde_json::json;
use tokio::time::Instant;
use tools::mcp::{Failure, Reason};

use super::stage::{Stage, bearing, code, error, guarded, server, web};

/// What a server's own words would be recognised by.
const SECRET: &str = "secret";

/// The time for a call or a list is less than a second here; the rest is for machines that are busy.
const BOUND: Duration = Duration::from_secs(3);

struct Case {
    trouble: Trouble,
    code: i64,
    kind: &'static str,
}

fn cases() -> Vec<Case> {
    let http = |trouble, code| Case { trouble, code, kind: "http_error" };
    let status = |code, header: Option<(&'static str, &str)>| {
        let headers = header.map(|(name, value)| (name, value.to_owned())).into_iter().collect();
        Trouble::Status(code, headers, "text/plain", SECRET.to_owned())
    };
    let challenge = ("www-authenticate", "Bearer realm=\"secret\"");
    vec![
        http(Trouble::Hang, 504),
        http(Trouble::Drip(Duration::from_millis(50)), 504),
        http(Trouble::Huge(5 << 20), 502),
        http(Trouble::Redirect(302, "http://127.0.0.1:1/secret".into()), 302),
        http(Trouble::Redirect(307, "http://169.254.169.254/secret".into()), 307),
        http(status(401, None), 401),
        http(status(401, Some(challenge)), 401),
        http(status(403, None), 403),
        http(status(403, Some(challenge)), 403),
        http(status(404, None), 404),
        http(status(429, Some(("retry-after", "7"))), 429),
        http(status(503, None), 503),
        http(Trouble::html(), 500),
        http(Trouble::Status(200, Vec::new(), "text/html", "<p>secret</p>".into()), 502),
        http(Trouble::Status(200, Vec::new(), "application/json", "{\"secret\":".into()), 502),
        Case { trouble: Trouble::Error(-32000, "busy".into()), code: -32000, kind: "mcp_protocol_error" },
    ]
}

#[tokio::test]
async fn a_call_that_goes_wrong_fails_in_time_and_in_our_words() -> anyhow::Result<()> {
    for eras in [Eras::MODERN, Eras::LEGACY] {
        for Case { trouble, code: wanted, kind } in cases() {
            let what = format!("{eras:?} {trouble:?}").chars().take(160).collect::<String>();
            let stage = Stage::of(eras).await?;
            let server = stage.server();
            stage.names(&server).await?;
            stage.fake.trouble("tools/call", trouble.clone(), Some(2));
            let begin = Instant::now();
            let failure = stage.call(&server, "echo", json!({"text": "x"})).await.expect_err(&what);
            assert!(begin.elapsed() < BOUND, "{what}: {:?}", begin.elapsed());
            let error = error(&failure);
            assert_eq!((code(&failure), error["type"].as_str()), (wanted, Some(kind)), "{what}");
            let said = format!("{error} {failure} {failure:?}");
            assert!(!said.contains(SECRET), "{what}: {said}");
            stage.fake.behave(|behaviour| behaviour.troubles.clear());
            assert_eq!(stage.call(&server, "echo", json!({"text": "again"})).await?, "again", "{what}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_list_that_goes_wrong_fails_in_time_and_in_our_words() -> anyhow::Result<()> {
    for method in ["tools/list", "*"] {
        for Case { trouble, code: wanted, .. } in cases() {
            let what = format!("{method} {trouble:?}").chars().take(160).collect::<String>();
            let stage = Stage::of(Eras::LEGACY).await?;
            let mut server = stage.server();
            server.timeouts.list = Duration::from_millis(900);
            stage.fake.trouble(method, trouble.clone(), None);
            let begin = Instant::now();
            let failure = stage.pool.list(&stage.tenant, &server).await.expect_err(&what);
            assert!(begin.elapsed() < BOUND, "{what}: {:?}", begin.elapsed());
            assert_eq!(code(&failure), wanted, "{what}: {failure:?}");
            let said = format!("{} {failure} {failure:?}", error(&failure));
            assert!(!said.contains(SECRET), "{what}: {said}");
            stage.fake.behave(|behaviour| behaviour.troubles.clear());
            assert_eq!(stage.names(&server).await?.len(), 7, "{what}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_that_is_cut_ends_the_call() -> anyhow::Result<()> {
    for eras in [Eras::MODERN, Eras::LEGACY] {
        let stage = Stage::of(eras).await?;
        stage.names(&stage.server()).await?;
        stage.fake.trouble("tools/call", Trouble::Cut, Some(1));
        let failure = stage.call(&stage.server(), "echo", json!({"text": "x"})).await.expect_err("cut");
        assert!(matches!(code(&failure), 502 | 504), "{eras:?} {failure:?}");
        assert_eq!(stage.call(&stage.server(), "echo", json!({"text": "x"})).await?, "x");
    }
    Ok(())
}

#[tokio::test]
async fn an_event_that_is_too_large_ends_the_call() -> anyhow::Result<()> {
    for eras in [Eras::MODERN, Eras::LEGACY, Eras::SSE] {
        let mut behaviour = Behaviour { eras, replies: Replies::Stream, ..Behaviour::default() };
        behaviour.tools.push(Tool::new("huge", Act::Huge(200 << 10)));
        let stage = Stage::new(behaviour).await?;
        let mut server = if eras.sse { server(&stage.fake.sse_url()) } else { stage.server() };
        server.limits.message_bytes = 100 << 10;
        let failure = stage.call(&server, "huge", json!({})).await.expect_err("too large");
        assert_eq!(failure.reason(), Some(Reason::Lost), "{eras:?}");
        assert_eq!(stage.call(&server, "echo", json!({"text": "x"})).await?, "x");
    }
    Ok(())
}

#[tokio::test]
async fn how_long_a_server_wants_to_be_left_alone_is_known() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::LEGACY).await?;
    let headers = vec![("retry-after", "7".to_owned())];
    stage.fake.trouble("*", Trouble::Status(429, headers, "text/plain", String::new()), None);
    let failure = stage.names(&stage.server()).await.expect_err("limited");
    let expected = Failure::Http { reason: Reason::Status(429), retry_after: Some(Duration::from_secs(7)) };
    assert_eq!(failure, expected);
    Ok(())
}

#[tokio::test]
async fn credentials_that_are_refused_leave_no_connection_behind() -> anyhow::Result<()> {
    for challenges in [true, false] {
        let access = Access::Bearers(vec!["good".into()]);
        let stage = Stage::new(Behaviour { access, challenges, ..Behaviour::default() }).await?;
        for failing in [stage.server(), bearing(stage.server(), "bad")] {
            let failure = stage.names(&failing).await.expect_err("refused");
            assert_eq!(code(&failure), 401, "{challenges}");
            assert_eq!(stage.pool.connections(&stage.tenant), 0);
        }
        assert_eq!(stage.names(&bearing(stage.server(), "good")).await?.len(), 7);
        assert_eq!(stage.pool.connections(&stage.tenant), 1);
    }
    Ok(())
}

#[tokio::test]
async fn nobody_at_the_address_is_told_at_once() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::BOTH).await?;
    let failure = stage.names(&server("http://127.0.0.1:9/mcp")).await.expect_err("nobody");
    assert_eq!((failure.reason(), code(&failure)), (Some(Reason::Unreachable), 502));
    Ok(())
}

/// Resolves names, and refuses every address.
struct Closed;

impl Resolve for Closed {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(async { Err(std::io::Error::other(Denied::Address).into()) })
    }
}

#[tokio::test]
async fn a_name_whose_address_is_forbidden_is_told_from_one_that_does_not_answer() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::BOTH).await?;
    let mut server = server("http://a.localhost:9/mcp");
    web(&mut server).client = guarded(Arc::new(Closed));
    let failure = stage.names(&server).await.expect_err("denied");
    assert_eq!((failure.reason(), code(&failure)), (Some(Reason::Denied), 502));
    assert_eq!(error(&failure), error(&Failure::from(Reason::Unreachable)), "who asks learns no more");
    Ok(())
}

#[tokio::test]
async fn an_event_stream_that_names_another_origin_is_not_followed() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::SSE).await?;
    for endpoint in
        ["http://127.0.0.1:1/messages", "//evil.example/x", "file:///etc/passwd", "http://u:p@127.0.0.1/x"]
    {
        let body = format!("event: endpoint\ndata: {endpoint}\n\n");
        stage.fake.trouble("", Trouble::Status(200, Vec::new(), "text/event-stream", body), None);
        let failure = stage.names(&server(&stage.fake.sse_url())).await.expect_err(endpoint);
        assert!(matches!(code(&failure), 405 | 502), "{endpoint}: {failure:?}");
        stage.fake.behave(|behaviour| behaviour.troubles.clear());
    }
    assert!(stage.fake.requests().iter().all(|request| !request.path.starts_with("/messages")));
    Ok(())
}

#[tokio::test]
async fn a_lost_event_stream_fails_the_calls_in_flight_and_is_opened_again() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::SSE).await?;
    let server = server(&stage.fake.sse_url());
    let (called, lost) = tokio::join!(stage.call(&server, "hang", json!({})), async {
        stage.fake.until_asked("tools/call", 1).await?;
        stage.fake.restart();
        anyhow::Ok(())
    });
    lost?;
    assert_eq!(called.expect_err("lost").reason(), Some(Reason::Lost));
    assert_eq!(stage.call(&server, "echo", json!({"text": "back"})).await?, "back");
    Ok(())
}
