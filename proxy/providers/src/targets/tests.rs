use std::time::Duration;

use agent::model::{Failure, StopReason};
use futures_util::StreamExt;
use http::{HeaderName, HeaderValue};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::profile::Profile;
use crate::retry::Backoff;
use crate::settings::{Api, Settings, Timeouts};
use crate::support::server::{Reply, Server, Step};
use crate::support::{items, request, stop_of, text_of};
use crate::transport::Transport;

const FINISH: &str = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;

fn text(text: &str) -> String {
    json!({"choices": [{"delta": {"content": text}}]}).to_string()
}

fn good() -> Reply {
    Reply::stream().data(&text("ok")).data(FINISH).data("[DONE]")
}

fn whole() -> Reply {
    Reply::json(200, r#"{"choices":[{"message":{"content":"ok"},"finish_reason":"stop"}]}"#)
}

fn failing(status: u16) -> Reply {
    Reply::json(status, r#"{"error":{"message":"secret detail"}}"#)
}

fn credential(value: &'static str) -> Credential {
    Credential::new(http::header::AUTHORIZATION, HeaderValue::from_static(value))
}

#[expect(clippy::disallowed_methods, reason = "the tests stand in for the process that makes clients")]
fn client() -> Arc<dyn Transport> {
    let mut http = HttpConnector::new();
    http.set_connect_timeout(Some(Duration::from_secs(1)));
    Arc::new(Client::builder(TokioExecutor::new()).build::<_, Full<Bytes>>(http))
}

fn settings(server: &Server, name: &str) -> Settings {
    let ms = Duration::from_millis;
    Settings {
        name: name.to_owned(),
        base_url: server.base_url.clone(),
        api: Api::ChatCompletions,
        profile: Profile::default(),
        credential: Some(credential("Bearer provider-key")),
        headers: vec![(HeaderName::from_static("x-team"), HeaderValue::from_static("t1"))],
        timeouts: Timeouts { connect: ms(1000), first_byte: ms(1200), stream_idle: ms(600), total: ms(6000) },
        retry_budget_percent: 20,
    }
}

fn target(server: &Server, model: &str, priority: u8) -> Target {
    let upstream = Arc::new(Upstream::new(settings(server, model), client()));
    Target { upstream, model: model.to_owned(), priority, weight: 1 }
}

fn retry() -> Retry {
    let ms = Duration::from_millis;
    Retry { backoff: Backoff { base: ms(2), max: ms(10) }, ..Retry::default() }
}

fn one(server: &Server) -> Targets {
    Targets::new(vec![target(server, "upstream-a", 0)], retry())
}

fn two(first: &Server, second: &Server) -> Targets {
    Targets::new(vec![target(second, "upstream-b", 1), target(first, "upstream-a", 0)], retry())
}

async fn call_with(targets: &Targets, call: Call) -> (Vec<ModelEvent>, Option<ModelError>) {
    let all =
        timeout(Duration::from_secs(8), targets.stream(request(), call).collect::<Vec<_>>()).await.unwrap();
    let (mut events, mut error) = (Vec::new(), None);
    for event in all {
        assert_eq!(error, None, "nothing follows an error");
        match event {
            Ok(event) => events.push(event),
            Err(last) => error = Some(last),
        }
    }
    assert!(error.is_some() || stop_of(&events).is_some());
    (events, error)
}

async fn call(targets: &Targets) -> (Vec<ModelEvent>, Option<ModelError>) {
    call_with(targets, Call::default()).await
}

async fn succeeds(targets: &Targets) {
    let (events, error) = call(targets).await;
    assert_eq!((text_of(&events).as_str(), stop_of(&events), error), ("ok", Some(&StopReason::Stop), None));
}

async fn fails(targets: &Targets) -> ModelError {
    call(targets).await.1.unwrap()
}

#[tokio::test]
async fn a_stream_arrives_as_events() {
    let server = Server::new(vec![good()]);
    succeeds(&one(&server)).await;
    let sent = &server.requests()[0];
    assert!(sent.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"));
    for header in [
        "accept-encoding: identity",
        "authorization: Bearer provider-key",
        "x-team: t1",
        concat!("user-agent: fairlead/", env!("CARGO_PKG_VERSION")),
        "content-type: application/json",
    ] {
        assert!(sent.contains(header), "{header}: {sent}");
    }
    assert!(sent.contains(r#""model":"upstream-a""#));
}

#[tokio::test]
async fn the_trace_goes_on_upstream() {
    let server = Server::new(vec![good()]);
    let call = Call { traceparent: Some("00-1-2-01".to_owned()), ..Call::default() };
    call_with(&one(&server), call).await;
    assert!(server.requests()[0].contains("traceparent: 00-1-2-01"));
}

#[tokio::test]
async fn a_query_of_the_base_url_follows_the_path() {
    let server = Server::new(vec![good()]);
    let base_url = format!("{}?api-version=preview", server.base_url);
    let upstream = Arc::new(Upstream::new(Settings { base_url, ..settings(&server, "a") }, client()));
    succeeds(&Targets::new(vec![Target { upstream, ..target(&server, "a", 0) }], retry())).await;
    assert!(server.requests()[0].starts_with("POST /v1/chat/completions?api-version=preview "));
}

#[tokio::test]
async fn q39_json_in_the_place_of_a_stream_is_read_whole() {
    let server = Server::new(vec![whole()]);
    succeeds(&one(&server)).await;
}

#[tokio::test]
async fn bytes_may_come_one_by_one() {
    let body = format!("\u{feff}: hi\n\ndata: {}\n\ndata: {FINISH}\n\ndata: [DONE]\n\n", text("ok"));
    let reply = body.chars().fold(Reply::stream(), |reply, c| reply.then(Step::Send(c.to_string())));
    let server = Server::new(vec![reply]);
    succeeds(&one(&server)).await;
}

#[tokio::test]
async fn a_passing_failure_is_tried_again() {
    for status in [408, 409, 429, 500, 503, 529] {
        let server = Server::new(vec![failing(status), good()]);
        succeeds(&one(&server)).await;
        assert_eq!(server.requests().len(), 2, "{status}");
    }
}

#[tokio::test]
async fn a_refusal_is_not_tried_again() {
    for status in [400, 401, 402, 404, 422] {
        let server = Server::new(vec![failing(status), good()]);
        assert_eq!(fails(&one(&server)).await.cause, Failure::Status(status));
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn attempts_are_bounded() {
    let server = Server::new(vec![failing(503); 5]);
    let error = fails(&one(&server)).await;
    assert_eq!((error.error.status, server.requests().len()), (503, 3));
    assert!(!error.error.message.contains("secret"));
}

#[tokio::test]
async fn the_next_target_gets_its_own_model_and_credential() {
    let (first, second) = (Server::new(vec![failing(500)]), Server::new(vec![good()]));
    let mut targets = two(&first, &second);
    let mut other = settings(&second, "b");
    other.credential =
        Some(Credential::new(HeaderName::from_static("api-key"), HeaderValue::from_static("other-key")));
    targets = Targets::new(
        vec![
            Target { upstream: Arc::new(Upstream::new(other, client())), ..targets.targets[0].clone() },
            targets.targets[1].clone(),
        ],
        retry(),
    );
    succeeds(&targets).await;
    let (first, second) = (&first.requests()[0], &second.requests()[0]);
    assert!(first.contains("provider-key") && first.contains("upstream-a"));
    assert!(second.contains("api-key: other-key") && second.contains("upstream-b"));
    assert!(!second.contains("provider-key"));
}

#[tokio::test]
async fn the_callers_credential_goes_to_one_provider_only() {
    let (first, second) = (Server::new(vec![failing(503); 3]), Server::new(vec![good()]));
    let own = Call { credential: Some(credential("Bearer callers-key")), ..Call::default() };
    let (_, error) = call_with(&two(&first, &second), own).await;
    assert_eq!(error.unwrap().error.status, 503);
    assert!(
        first.requests().iter().all(|sent| sent.contains("callers-key") && !sent.contains("provider-key"))
    );
    assert_eq!((first.requests().len(), second.requests().len()), (3, 0));
}

#[tokio::test]
async fn the_callers_refused_credential_is_told() {
    let body = r#"{"error":{"message":"Bad key callers-key.","code":"invalid_api_key"}}"#;
    let server = Server::new(vec![Reply::json(401, body)]);
    let own = Call { credential: Some(credential("Bearer callers-key")), ..Call::default() };
    let error = call_with(&one(&server), own).await.1.unwrap().error;
    assert_eq!((error.status, error.message.as_str()), (401, "Bad key [redacted]."));
}

#[tokio::test]
async fn a_target_that_is_gone_gives_way() {
    let (gone, second) = (Server::new(vec![]), Server::new(vec![good()]));
    sleep(Duration::from_millis(50)).await;
    succeeds(&two(&gone, &second)).await;
}

#[tokio::test]
async fn nobody_there_is_a_502() {
    let gone = Server::new(vec![]);
    sleep(Duration::from_millis(50)).await;
    let error = fails(&one(&gone)).await;
    assert_eq!((error.error.status, error.cause), (502, Failure::Connect));
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_kept() {
    let limited = Reply::of(429, "retry-after-ms: 300\r\n", "{}");
    let server = Server::new(vec![limited, good()]);
    let began = Instant::now();
    succeeds(&one(&server)).await;
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_target_that_asked_to_wait_rests_for_all_calls() {
    let limited = Reply::of(429, "retry-after: 7\r\n", "{}");
    let (first, second) = (Server::new(vec![limited, good()]), Server::new(vec![good(), good()]));
    let targets = two(&first, &second);
    succeeds(&targets).await;
    succeeds(&targets).await;
    assert_eq!((first.requests().len(), second.requests().len()), (1, 2));
}

#[tokio::test]
async fn a_long_wait_is_told_to_the_client() {
    let server = Server::new(vec![Reply::of(429, "retry-after: 60\r\n", "{}"), good()]);
    let error = fails(&one(&server)).await.error;
    assert_eq!((error.status, error.retry_after), (429, Some(Duration::from_secs(60))));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn q13_an_exhausted_quota_is_not_tried_again() {
    let body = r#"{"error":{"message":"pay","code":"insufficient_quota"}}"#;
    let server = Server::new(vec![Reply::json(429, body), good()]);
    assert_eq!(fails(&one(&server)).await.error.should_retry, Some(false));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn q40_a_redirect_is_an_error() {
    let other = Server::new(vec![good()]);
    let server = Server::new(vec![Reply::of(307, &format!("location: {}\r\n", other.base_url), "")]);
    let error = fails(&one(&server)).await;
    assert_eq!((error.error.status, error.cause), (502, Failure::Status(307)));
    assert_eq!(other.requests().len(), 0);
}

#[tokio::test]
async fn silence_before_the_first_event_moves_on() {
    let (silent, second) = (Server::new(vec![Reply::stream().then(Step::Hold)]), Server::new(vec![good()]));
    succeeds(&two(&silent, &second)).await;
    sleep(Duration::from_millis(100)).await;
    assert_eq!(silent.left(), 1);
}

#[tokio::test]
async fn q33_comments_are_no_event() {
    let comments =
        (0..40).fold(Reply::stream(), |reply, _| reply.then(Step::Send(": wait\n\n".to_owned())).pause(50));
    let server = Server::new(vec![comments.data(FINISH)]);
    let targets = Targets::new(vec![target(&server, "a", 0)], Retry { max_attempts: 1, ..retry() });
    assert_eq!(fails(&targets).await.cause, Failure::Timeout);
}

#[tokio::test]
async fn silence_after_an_event_ends_the_stream() {
    let server = Server::new(vec![Reply::stream().data(&text("a")).then(Step::Hold), good()]);
    let (events, error) = call(&one(&server)).await;
    assert_eq!((text_of(&events).as_str(), error.map(|error| error.cause)), ("a", Some(Failure::Timeout)));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn the_whole_call_has_a_deadline() {
    let drip = (0..40).fold(Reply::stream(), |reply, _| reply.data(&text("a")).pause(50));
    let server = Server::new(vec![drip]);
    let mut settings = settings(&server, "a");
    settings.timeouts.total = Duration::from_millis(500);
    let upstream = Arc::new(Upstream::new(settings, client()));
    let targets = Targets::new(vec![Target { upstream, ..target(&server, "a", 0) }], retry());
    let began = Instant::now();
    assert_eq!(fails(&targets).await.cause, Failure::Timeout);
    assert!(began.elapsed() < Duration::from_millis(1500));
}

#[tokio::test]
async fn a_cut_before_the_first_event_is_tried_again() {
    let role = r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#;
    let server = Server::new(vec![Reply::stream().data(role), Reply::stream(), good()]);
    succeeds(&one(&server)).await;
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_cut_after_an_event_is_told_and_not_tried_again() {
    let half = Reply::stream().data(&text("a")).then(Step::Send("data: {\"choices\":[{\"del".to_owned()));
    let server = Server::new(vec![half, good()]);
    let (events, error) = call(&one(&server)).await;
    assert_eq!((text_of(&events).as_str(), error.map(|error| error.cause)), ("a", Some(Failure::Truncated)));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn q9_an_error_before_the_first_event_is_tried_again() {
    let server = Server::new(vec![Reply::json(200, r#"{"error":{"message":"x"}}"#), good()]);
    succeeds(&one(&server)).await;
}

#[tokio::test]
async fn q10_a_finish_without_done_completes_when_the_server_says_no_more() {
    let server = Server::new(vec![Reply::stream().data(&text("ok")).data(FINISH).then(Step::Hold)]);
    succeeds(&one(&server)).await;
}

#[tokio::test]
async fn q35_a_connection_kept_open_after_done_does_not_matter() {
    let server = Server::new(vec![good().then(Step::Hold)]);
    let mut settings = settings(&server, "a");
    settings.timeouts.stream_idle = Duration::from_secs(5);
    let upstream = Arc::new(Upstream::new(settings, client()));
    let began = Instant::now();
    succeeds(&Targets::new(vec![Target { upstream, ..target(&server, "a", 0) }], retry())).await;
    assert!(began.elapsed() < Duration::from_secs(2), "no deadline must decide");
}

#[tokio::test]
async fn q15_a_prompt_that_a_filter_refuses_is_a_stop() {
    let body = r#"{"error":{"message":"filtered","code":"content_filter","status":400}}"#;
    let server = Server::new(vec![Reply::json(400, body)]);
    let (events, error) = call(&one(&server)).await;
    assert_eq!((stop_of(&events), error), (Some(&StopReason::Filter), None));
}

#[tokio::test]
async fn a_client_that_leaves_closes_the_upstream() {
    let server = Server::new(vec![Reply::stream().data(&text("a")).then(Step::Hold)]);
    let mut stream = one(&server).stream(request(), Call::default());
    while !matches!(stream.next().await, Some(Ok(ModelEvent::TextDelta { .. }))) {}
    drop(stream);
    let gone = async {
        while server.left() == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(1), gone).await.unwrap();
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let chunk = |data: &str| Step::Send(format!("{:x}\r\ndata: {data}\n\n\r\n", data.len() + 8));
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    let steps = vec![
        Step::Send(head),
        chunk(&text("ok")),
        chunk(FINISH),
        chunk("[DONE]"),
        Step::Pause(Duration::from_millis(20)),
        Step::Send("0\r\n\r\n".to_owned()),
    ];
    let reply = Reply { steps, keep_alive: true };
    let (server, deadline) = (Server::new(vec![reply.clone(), reply]), Duration::from_secs(2));
    let targets = one(&server);
    timeout(deadline, succeeds(&targets)).await.unwrap();
    timeout(deadline, succeeds(&targets)).await.unwrap(); // the server takes no second connection meanwhile
}

#[tokio::test]
async fn events_of_one_read_are_ready_at_once() {
    let server =
        Server::new(vec![Reply::json(200, r#"{"choices":[{"message":{"content":"a","refusal":"b"}}]}"#)]);
    let mut stream = one(&server).stream(request(), Call::default());
    assert!(stream.next().await.is_some());
    let mut ready = 0;
    while futures_util::FutureExt::now_or_never(stream.next()).flatten().is_some() {
        ready += 1;
    }
    assert_eq!(ready, 3);
}

#[tokio::test]
async fn the_budget_bounds_the_retries_of_a_provider() {
    let server = Server::new(vec![failing(503); 40]);
    let targets = one(&server);
    let began = Instant::now();
    for _ in 0..8 {
        fails(&targets).await;
    }
    let allowed = 8 + 3 + 3 * (1 + usize::try_from(began.elapsed().as_secs()).unwrap()) + 2;
    assert!(server.requests().len() < allowed.min(24), "{}", server.requests().len());
}

#[tokio::test]
async fn what_one_provider_sealed_goes_to_no_other() {
    let (first, second) = (Server::new(vec![failing(500)]), Server::new(vec![failing(400)]));
    let target = |server: &Server, priority: u8| {
        let settings = Settings { api: Api::Responses, ..settings(server, "x") };
        Target { upstream: Arc::new(Upstream::new(settings, client())), ..target(server, "x", priority) }
    };
    let targets = Targets::new(vec![target(&first, 0), target(&second, 1)], retry());
    let sealed = items(json!([{"type": "reasoning", "summary": [], "encrypted_content": "sealed-bytes"}]));
    let request = ModelRequest { items: sealed, ..request() };
    targets.stream(request, Call::default()).collect::<Vec<_>>().await;
    assert!(first.requests()[0].contains("sealed-bytes") && !second.requests()[0].contains("sealed-bytes"));
}

fn body() -> RelayBody {
    RelayBody::parse(Bytes::from_static(br#"{"input":["a"], "model":"public"}"#)).unwrap()
}

#[tokio::test]
async fn a_relay_passes_bytes() {
    let answer = "{ \"data\" : [ ] }";
    let (first, second) = (Server::new(vec![failing(500)]), Server::new(vec![Reply::json(200, answer)]));
    let relayed = two(&first, &second).relay("/embeddings", body(), Call::default()).await.ok().unwrap();
    assert_eq!((relayed.status.as_u16(), relayed.provider.as_str()), (200, "upstream-b"));
    assert_eq!(relayed.content_type.unwrap(), "application/json");
    let read: Vec<u8> = relayed.body.map(|piece| piece.unwrap()).collect::<Vec<_>>().await.concat();
    assert_eq!(read, answer.as_bytes());
    assert!(second.requests()[0].starts_with("POST /v1/embeddings "));
    assert!(second.requests()[0].ends_with(r#"{"input":["a"], "model":"upstream-b"}"#));
}

#[tokio::test]
async fn a_relay_tells_an_error_as_the_client_sees_it() {
    let server = Server::new(vec![Reply::json(404, r#"{"error":{"message":"upstream-a is gone"}}"#)]);
    let error = one(&server).relay("/embeddings", body(), Call::default()).await.err().unwrap().error;
    assert_eq!(error, protocol::error::ApiError::model_not_found("public"));
}

#[tokio::test]
async fn a_relay_that_stalls_ends_with_an_error() {
    let server = Server::new(vec![Reply::stream().data("1").then(Step::Hold)]);
    let relayed = one(&server).relay("/chat/completions", body(), Call::default()).await.ok().unwrap();
    let pieces = timeout(Duration::from_secs(3), relayed.body.collect::<Vec<_>>()).await.unwrap();
    assert_eq!(pieces.last().unwrap().as_ref().unwrap_err().cause, Failure::Timeout);
}
