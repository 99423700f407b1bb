//! Upstreams that break, and clients that leave.

use std::time::Duration;

use regression::fakes::model::{Ending, Reply, Say, Script};
use regression::harness::setup::provider;
use regression::harness::{Request, Setup};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::events::lawful;
use super::stage::{Stage, hello, kinds, last, text};

/// Short limits of time, so that a stall is found in a test.
async fn impatient() -> anyhow::Result<Stage> {
    Stage::with(|url| {
        let timeouts = "  timeouts: {connect: 1s, firstByte: 1s, streamIdle: 1s, total: 20s}\n";
        let impatient = provider("fake", url, "ChatCompletions") + timeouts;
        Setup::chat(url).file("provider.yaml", &impatient)
    })
    .await
}

/// The stream told of a failure, and the failure is stored.
async fn failed(stage: &Stage, events: &[Value]) -> anyhow::Result<Value> {
    lawful(events)?;
    let told = kinds(events);
    assert_eq!(&told[told.len() - 2..], ["error", "response.failed"], "{told:?}");
    let response = last(events);
    assert_eq!(response["status"], "failed");
    assert!(response["error"]["message"].is_string(), "{response}");
    let error = &events[events.len() - 2];
    assert_eq!(error["message"], error["error"]["message"], "readable for flat and nested readers");
    let path = format!("/v1/responses/{}", response["id"].as_str().unwrap_or_default());
    assert_eq!(stage.api().get(&path).await?.json(), response);
    Ok(response)
}

#[tokio::test]
async fn a_stream_that_is_cut_is_a_stored_failure_and_not_asked_again() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    for ending in [Ending::Fin, Ending::Reset] {
        stage.model.reset();
        stage.script(Say::text(&["one ", "two ", "three"]).cut(2, ending));
        let events = stage.stream(&hello()).await?;
        let response = failed(&stage, &events).await?;
        assert_eq!(
            (text(&response).as_str(), &response["output"][0]["status"]),
            ("one two ", &json!("incomplete"))
        );
        assert_eq!(stage.model.requests().len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_without_a_finish_is_never_complete() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    stage.script(Say::text(&["one "]).finish("").without_done());
    failed(&stage, &stage.stream(&hello()).await?).await?;
    Ok(())
}

#[tokio::test]
async fn half_a_character_and_half_a_frame_give_valid_text_and_a_failure() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let half = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"h\u{e9}";
    stage.script(Say::text(&["one ", "two"]).interrupted(1, &[half], Ending::Reset));
    let answer = stage.respond(&json!({"model": "demo", "input": "Hello", "stream": true})).await?;
    assert!(std::str::from_utf8(&answer.body).is_ok());
    failed(&stage, &answer.events()?).await?;
    Ok(())
}

#[tokio::test]
async fn an_error_frame_in_mid_stream_is_a_stored_failure() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let frame =
        "data: {\"error\":{\"message\":\"out of memory\",\"type\":\"server_error\",\"code\":500}}\n\n";
    stage.script(Say::text(&["one ", "two"]).interrupted(1, &[frame], Ending::Clean));
    let response = failed(&stage, &stage.stream(&hello()).await?).await?;
    assert_eq!(response["error"]["code"], "server_error");
    Ok(())
}

#[tokio::test]
async fn a_refusal_in_a_stream_comes_after_created() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let error = json!({"error": {"message": "No such thing.", "type": "invalid_request_error", "param": null, "code": null}});
    stage.script(Script::error(400, &error));
    let events = stage.stream(&hello()).await?;
    let response = failed(&stage, &events).await?;
    assert!(
        response["error"]["message"].as_str().is_some_and(|message| message.contains("No such thing.")),
        "{response}"
    );
    Ok(())
}

#[tokio::test]
async fn a_buffered_failure_is_an_http_error_without_the_remote_body() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    stage.script(Script::error(500, &json!({"error": {"message": "stack trace of the vendor"}})).forever());
    let answer = stage.respond(&hello()).await?;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert_eq!(answer.json()["error"]["type"], "server_error");
    assert!(!answer.text().contains("stack trace"), "{}", answer.text());
    Ok(())
}

#[tokio::test]
async fn what_fails_before_the_first_byte_is_tried_again() -> anyhow::Result<()> {
    let stage = Stage::with(|url| {
        let willing = provider("fake", url, "ChatCompletions") + "  retryBudgetPercent: 100\n";
        Setup::chat(url).file("provider.yaml", &willing)
    })
    .await?;
    let refusals = [
        Script::error(503, &json!({"error": {"message": "Loading model"}})),
        Script::new(Reply::Hang(Ending::Reset)),
        Script::new(Reply::Hang(Ending::Fin)),
        Script::error(429, &json!({"error": {"message": "slow down"}})).header("retry-after", "0"),
    ];
    for refusal in refusals {
        for streamed in [false, true] {
            stage.model.reset();
            stage.script(refusal.clone()).script(Say::text(&["Good day"]));
            let response = if streamed {
                last(&stage.stream(&hello()).await?)
            } else {
                stage.respond(&hello()).await?.json()
            };
            assert_eq!(text(&response), "Good day", "{refusal:?}: {response}");
            assert_eq!(stage.model.requests().len(), 2);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_limit_of_the_upstream_reaches_the_client_with_its_time() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let refusal = json!({"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}});
    stage.script(Script::error(429, &refusal).header("retry-after", "120").forever());
    let answer = stage.respond(&hello()).await?;
    assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (429, Some("rate_limit_exceeded")));
    let after: u64 = answer.header("retry-after").unwrap_or_default().parse()?;
    assert!((100..=120).contains(&after), "{after}");
    stage.model.reset();
    let quota =
        json!({"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}});
    stage.script(Script::error(429, &quota).forever());
    let answer = stage.respond(&hello()).await?;
    assert_eq!((answer.status, answer.header("x-should-retry")), (429, Some("false")), "{}", answer.text());
    assert_eq!(stage.model.requests().len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_upstream_that_is_down_is_a_502_at_once() -> anyhow::Result<()> {
    let stage = Stage::with(|_| Setup::chat("http://127.0.0.1:9/v1")).await?;
    let started = Instant::now();
    let answer = stage.respond(&hello()).await?;
    assert_eq!(
        (answer.status, answer.json()["error"]["type"].as_str()),
        (502, Some("server_error")),
        "{}",
        answer.text()
    );
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    Ok(())
}

#[tokio::test]
async fn an_upstream_that_says_nothing_runs_into_its_limit() -> anyhow::Result<()> {
    let stage = impatient().await?;
    stage.script(Script::new(Reply::Silence).forever());
    let answer = stage.respond(&hello()).await?;
    assert_eq!(answer.status, 504, "{}", answer.text());
    stage.model.until(|counts| counts.open == 0).await?;
    Ok(())
}

#[tokio::test]
async fn a_stall_in_mid_stream_runs_into_its_limit() -> anyhow::Result<()> {
    let stage = impatient().await?;
    stage.script(Say::text(&["one ", "two"]).cut(1, Ending::Stall));
    let started = Instant::now();
    failed(&stage, &stage.stream(&hello()).await?).await?;
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    stage.model.until(|counts| counts.open == 0).await?;
    Ok(())
}

#[tokio::test]
async fn what_is_no_answer_of_a_model_is_a_clean_error() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let html = Script::stream(&["<html>It works!</html>"], Ending::Clean).header("content-type", "text/html");
    let empty = Script::stream(&[], Ending::Clean);
    let object = Script::error(200, &json!({"error": {"message": "not today"}}));
    let garbage = Script::stream(&["data: {not json}\n\n"], Ending::Clean);
    for script in [html, empty, object, garbage] {
        for streamed in [false, true] {
            stage.model.reset();
            stage.script(script.clone().forever());
            if streamed {
                failed(&stage, &stage.stream(&hello()).await?).await?;
            } else {
                let answer = stage.respond(&hello()).await?;
                assert_eq!(answer.status, 502, "{script:?}: {}", answer.text());
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_upstream_within_a_second() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let chat = json!({"model": "demo", "stream": true, "messages": [{"role": "user", "content": "Hello"}]});
    let streamed = json!({"model": "demo", "stream": true, "input": "Hello"});
    for (path, body, aborted) in [("/v1/responses", &streamed, 1), ("/v1/chat/completions", &chat, 2)] {
        stage.script(Say::text(&["one ", "two"]).cut(1, Ending::Stall));
        let mut open = stage.api().open(Request::post(path, body)).await?;
        open.until("one ").await?;
        let left = Instant::now();
        drop(open);
        let counts = stage.model.until(|counts| counts.aborted == aborted).await?;
        assert!(left.elapsed() < Duration::from_secs(1), "{path}: {:?}", left.elapsed());
        assert_eq!(counts.open, 0);
    }
    Ok(())
}

#[tokio::test]
async fn a_client_that_leaves_before_a_buffered_answer_cancels_the_upstream() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    stage.script(Script::new(Reply::Silence));
    let api = stage.api();
    let asking = api.open(Request::post("/v1/responses", &hello()));
    let waiting = stage.model.until(|counts| counts.open == 1);
    tokio::select! {
        _ = asking => panic!("an answer came"),
        waited = waiting => waited?,
    };
    let left = Instant::now();
    stage.model.until(|counts| counts.aborted == 1).await?;
    assert!(left.elapsed() < Duration::from_secs(1), "{:?}", left.elapsed());
    Ok(())
}
