//! Calls: results of every kind, progress, questions, traces and bounds.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use regression::fakes::mcp::{Act, Behaviour, Eras, Tool};
use serde_json::{Value, json};
use tools::mcp::{Failure, Outcome, Progress, Reason, Trace};

use super::stage::{Stage, call, code, server};

const ERAS: [Eras; 3] = [Eras::MODERN, Eras::LEGACY, Eras::SSE];

async fn stage(eras: Eras, tools: Vec<Tool>) -> anyhow::Result<(Stage, tools::mcp::Server)> {
    let mut behaviour = Behaviour { eras, ..Behaviour::default() };
    behaviour.tools.extend(tools);
    let stage = Stage::new(behaviour).await?;
    let server = if eras.sse { server(&stage.fake.sse_url()) } else { stage.server() };
    Ok((stage, server))
}

#[tokio::test]
async fn texts_structured_content_and_blocks_become_an_output() -> anyhow::Result<()> {
    for eras in ERAS {
        let (stage, server) = stage(eras, Vec::new()).await?;
        assert_eq!(stage.call(&server, "echo", json!({"text": "grüße 👋"})).await?, "grüße 👋");
        assert_eq!(stage.call(&server, "add", json!({"a": 1, "b": 2})).await?, "{\"sum\": 3}");
        let blocks: Value = serde_json::from_str(&stage.call(&server, "blocks", json!({})).await?)?;
        assert_eq!(blocks[1]["data"], "[8 base64 bytes omitted]", "{eras:?}");
        assert_eq!((&blocks[2]["resource"]["text"], &blocks[3]["uri"]), (&json!("a note"), &json!("note:2")));
    }
    Ok(())
}

#[tokio::test]
async fn a_result_without_content_is_an_empty_output() -> anyhow::Result<()> {
    for eras in ERAS {
        let tools = vec![
            Tool::new("void", Act::Result(json!({}))),
            Tool::new("meta-only", Act::Result(json!({"_meta": {"a": 1}}))),
        ];
        let (stage, server) = stage(eras, tools).await?;
        assert_eq!(stage.call(&server, "void", json!({})).await?, "", "{eras:?}");
        assert_eq!(stage.call(&server, "meta-only", json!({})).await?, "", "{eras:?}");
    }
    Ok(())
}

#[tokio::test]
async fn blocks_of_an_unknown_kind_reach_the_model() -> anyhow::Result<()> {
    let result = json!({"content": [{"type": "text", "text": "a"}, {"type": "hologram", "beams": 3}]});
    for eras in ERAS {
        let (stage, server) = stage(eras, vec![Tool::new("odd", Act::Result(result.clone()))]).await?;
        let output: Value = serde_json::from_str(&stage.call(&server, "odd", json!({})).await?)?;
        assert_eq!(output[1], json!({"type": "hologram", "beams": 3}), "{eras:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_tool_that_fails_and_one_that_is_not_there_are_execution_errors() -> anyhow::Result<()> {
    for eras in ERAS {
        let (stage, server) = stage(eras, Vec::new()).await?;
        for (tool, words) in [("fail", "the disk is on fire"), ("nowhere", "Unknown tool")] {
            let failure = stage.call(&server, tool, json!({})).await.expect_err("failed");
            let content = json!([{"type": "text", "text": words}]);
            assert_eq!(failure, Failure::Execution { content, told: words.to_owned() });
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_json_rpc_error_is_a_protocol_error_and_the_connection_stays() -> anyhow::Result<()> {
    for eras in ERAS {
        let long = format!("bad\u{200b} {}", "x".repeat(600));
        let (stage, server) = stage(eras, vec![Tool::new("bad", Act::Error(-32602, long))]).await?;
        let failure = stage.call(&server, "bad", json!({})).await.expect_err("failed");
        let Failure::Protocol { code, message } = failure else { panic!("{failure:?}") };
        assert_eq!(code, -32602);
        assert!(message.starts_with("bad x") && message.len() < 600, "{message}");
        stage.call(&server, "echo", json!({"text": "x"})).await?;
        let greetings = stage.fake.asked("initialize") + stage.fake.asked("server/discover");
        assert!(greetings <= 2, "{eras:?}: {greetings}");
    }
    Ok(())
}

#[tokio::test]
async fn progress_is_heard_and_begins_the_timeout_anew() -> anyhow::Result<()> {
    for eras in ERAS {
        let tools = vec![Tool::new("long", Act::Progress(4, Duration::from_millis(400)))];
        let (stage, server) = stage(eras, tools).await?;
        let heard: Arc<Mutex<Vec<Progress>>> = Arc::default();
        let mut long = call("long", json!({}));
        let sink = Arc::clone(&heard);
        long.progress = Some(Arc::new(move |progress| sink.lock().push(progress)));
        let outcome = stage.pool.call(&stage.tenant, &server, &long).await?;
        assert_eq!(outcome, Outcome { output: "done".into(), ..Outcome::default() });
        let steps: Vec<f64> = heard.lock().iter().map(|step| step.progress).collect();
        assert_eq!(steps, [1.0, 2.0, 3.0, 4.0], "{eras:?}");
        let first = heard.lock()[0].clone();
        assert_eq!((first.total, first.message.as_deref()), (Some(4.0), Some("step 1")));
    }
    Ok(())
}

#[tokio::test]
async fn progress_never_outlives_the_time_for_a_call() -> anyhow::Result<()> {
    let tools = vec![Tool::new("long", Act::Progress(100, Duration::from_millis(100)))];
    let (stage, mut server) = stage(Eras::LEGACY, tools).await?;
    server.timeouts.total = Duration::from_millis(1500);
    let failure = stage.call(&server, "long", json!({})).await.expect_err("too long");
    assert_eq!((failure.reason(), code(&failure)), (Some(Reason::Timeout), 504));
    Ok(())
}

#[tokio::test]
async fn the_trace_goes_into_meta() -> anyhow::Result<()> {
    for eras in ERAS {
        let (stage, server) = stage(eras, Vec::new()).await?;
        let mut traced = call("meta", json!({}));
        traced.trace = Trace {
            parent: Some("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01".into()),
            state: Some("a=b".into()),
        };
        let meta: Value =
            serde_json::from_str(&stage.pool.call(&stage.tenant, &server, &traced).await?.output)?;
        assert_eq!(
            meta["traceparent"], "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01",
            "{eras:?}"
        );
        assert_eq!(meta["tracestate"], "a=b");
    }
    Ok(())
}

#[tokio::test]
async fn questions_are_declined_with_the_servers_state_and_end_after_ten_rounds() -> anyhow::Result<()> {
    let tools =
        vec![Tool::new("ask", Act::Ask(3)), Tool::new("nag", Act::Ask(99)), Tool::new("sample", Act::Sample)];
    let (stage, server) = stage(Eras::MODERN, tools).await?;
    assert_eq!(stage.call(&server, "ask", json!({})).await?, "answered \"decline\"");
    let states: Vec<Value> =
        stage.fake.messages("tools/call").iter().map(|call| call["params"]["requestState"].clone()).collect();
    assert_eq!(states, [Value::Null, json!("1"), json!("2"), json!("3")]);
    let failure = stage.call(&server, "nag", json!({})).await.expect_err("endless");
    assert_eq!(failure.reason(), Some(Reason::Rounds));
    assert_eq!(stage.fake.asked("tools/call"), 4 + 10);
    let failure = stage.call(&server, "sample", json!({})).await.expect_err("not served");
    assert_eq!(code(&failure), -32600);
    Ok(())
}

#[tokio::test]
async fn a_long_output_is_cut_and_says_so() -> anyhow::Result<()> {
    let (stage, server) = stage(Eras::LEGACY, vec![Tool::new("huge", Act::Huge(300 << 10))]).await?;
    let output = stage.call(&server, "huge", json!({})).await?;
    assert!(output.ends_with("\n[truncated: 262144 of 307200 bytes]"));
    assert_eq!(output.len(), 262_144 + "\n[truncated: 262144 of 307200 bytes]".len());
    Ok(())
}

#[tokio::test]
async fn no_more_calls_run_at_once_than_the_server_takes() -> anyhow::Result<()> {
    let tools = vec![Tool::new("nap", Act::Progress(1, Duration::from_millis(150)))];
    let (stage, mut server) = stage(Eras::MODERN, tools).await?;
    server.limits.calls = 2;
    stage.names(&server).await?;
    let calls = (0..6).map(|_| stage.call(&server, "nap", json!({})));
    let watched = async {
        let mut most = 0;
        while stage.fake.asked("tools/call") < 6 {
            most = most.max(stage.fake.counts().open);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        most
    };
    let (results, most) = tokio::join!(futures_util::future::join_all(calls), watched);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert!((1..=2).contains(&most), "{most}");
    Ok(())
}
