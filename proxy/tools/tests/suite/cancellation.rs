//! A call that nobody waits for ends at the server.

use std::time::Duration;

use regression::fakes::mcp::Eras;
use serde_json::json;
use tools::mcp::Reason;

use super::stage::{Stage, server};

/// Calls a tool that never answers, and leaves when the server has the call.
async fn leave(stage: &Stage, server: &tools::mcp::Server) -> anyhow::Result<()> {
    tokio::select! {
        result = stage.call(server, "hang", json!({})) => panic!("{result:?}"),
        asked = stage.fake.until_asked("tools/call", 1) => asked,
    }
}

#[tokio::test]
async fn a_legacy_server_is_told_which_call_to_stop() -> anyhow::Result<()> {
    for eras in [Eras::LEGACY, Eras::SSE] {
        let stage = Stage::of(eras).await?;
        let server = if eras.sse { server(&stage.fake.sse_url()) } else { stage.server() };
        leave(&stage, &server).await?;
        stage.fake.until_asked("notifications/cancelled", 1).await?;
        let (call, cancelled) =
            (stage.fake.messages("tools/call"), stage.fake.messages("notifications/cancelled"));
        assert_eq!(cancelled[0]["params"]["requestId"], call[0]["id"], "{eras:?}");
        assert_eq!(stage.call(&server, "echo", json!({"text": "still here"})).await?, "still here");
    }
    Ok(())
}

#[tokio::test]
async fn a_modern_server_sees_its_stream_closed() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::MODERN).await?;
    leave(&stage, &stage.server()).await?;
    stage.fake.until(|counts| counts.aborted == 1 && counts.open == 0).await?;
    assert_eq!(stage.fake.asked("notifications/cancelled"), 0);
    Ok(())
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_cancelled_too() -> anyhow::Result<()> {
    let stage = Stage::of(Eras::LEGACY).await?;
    let mut server = stage.server();
    server.timeouts.call = Duration::from_millis(200);
    let failure = stage.call(&server, "hang", json!({})).await.expect_err("too long");
    assert_eq!(failure.reason(), Some(Reason::Timeout));
    stage.fake.until_asked("notifications/cancelled", 1).await?;
    Ok(())
}
