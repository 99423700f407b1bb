//! The wire below the API: HTTP/2, TLS, keep-alive, heads that two readers may understand differently, and where the proxy may go.

use std::process::{Command, Output};
use std::time::Duration;

use anyhow::Context;
use regression::fakes::model::Say;
use regression::harness::{Certificates, Request, Setup};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::stage::{Stage, hello, text};

/// Runs curl, a client that is not ours; off the runtime that the model server needs.
async fn curl(arguments: &[&str]) -> anyhow::Result<Output> {
    let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
    let run = move || Command::new("curl").args(["--silent", "--max-time", "20"]).args(arguments).output();
    tokio::task::spawn_blocking(run).await?.context("curl is needed: apt-get install curl")
}

/// What follows a head on a connection of its own.
async fn raw(stage: &Stage, wire: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(stage.api().address()).await?;
    stream.write_all(wire.as_bytes()).await?;
    let mut answer = Vec::new();
    timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await??;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn plain_http2_is_served_and_streamed() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    stage.script(Say::text(&["one ", "two"]));
    let body = json!({"model": "demo", "input": "Hello", "stream": true}).to_string();
    let url = format!("http://{}/v1/responses", stage.api().address());
    let head = "content-type: application/json";
    let told =
        curl(&["--http2-prior-knowledge", "-w", "%{http_version}", "-H", head, "-d", &body, &url]).await?;
    let told = String::from_utf8(told.stdout)?;
    assert!(told.contains("event: response.completed") && told.ends_with("data: [DONE]\n\n2"), "{told}");
    Ok(())
}

#[tokio::test]
async fn tls_is_served_with_both_versions_of_http() -> anyhow::Result<()> {
    let certificates = Certificates::make()?;
    let (chain, key) = (certificates.path("server.pem"), certificates.path("server.key"));
    let stage = Stage::with(|url| Setup::chat(url).flags(&["--tls-cert", &chain, "--tls-key", &key])).await?;
    let url = format!("https://localhost:{}/v1/models/demo", stage.api().address().port());
    for (flag, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
        let told =
            curl(&[flag, "--cacert", &certificates.path("ours.pem"), "-w", " %{http_version}", &url]).await?;
        let told = String::from_utf8(told.stdout)?;
        assert!(told.starts_with(r#"{"id":"demo""#) && told.ends_with(version), "{told}");
    }
    let plain = curl(&["-w", "%{http_code}", &url.replace("https", "http")]).await?;
    assert_eq!(String::from_utf8(plain.stdout)?, "000", "plain HTTP is not answered on a TLS port");
    Ok(())
}

#[tokio::test]
async fn an_upstream_is_called_over_tls_if_its_authority_is_known() -> anyhow::Result<()> {
    let certificates = Certificates::make()?;
    let (chain, key) = (certificates.path("server.pem"), certificates.path("server.key"));
    // Another proxy is the upstream: it speaks TLS, and HTTP/2.
    let upstream =
        Stage::with(|url| Setup::chat(url).flags(&["--tls-cert", &chain, "--tls-key", &key])).await?;
    let url = format!("https://localhost:{}/v1", upstream.api().address().port());
    let body = json!({"model": "demo", "messages": [{"role": "user", "content": "Hello"}]});
    for (authority, status) in [("ours.pem", 200), ("other.pem", 502)] {
        let setup = Setup::chat(&url).variable("SSL_CERT_FILE", &certificates.path(authority));
        let proxy = setup.start().await?;
        for path in ["/v1/chat/completions", "/v1/responses"] {
            let mut body = body.clone();
            body["input"] = json!("Hello");
            let answer = proxy.api().post(path, &body).await?;
            assert_eq!(answer.status, status, "{path}: {}", answer.text());
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let mut stream = TcpStream::connect(stage.api().address()).await?;
    let requests = [
        "GET /actuator/health HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /v1/nothing HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /v1/models/demo HTTP/1.1\r\nhost: x\r\n\r\n",
    ];
    for (request, status) in requests.into_iter().zip(["200", "404", "200"]) {
        stream.write_all(request.as_bytes()).await?;
        let mut answer = vec![0; 4096];
        let length = timeout(Duration::from_secs(10), stream.read(&mut answer)).await??;
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert_eq!(answer.get(9..12), Some(status), "{answer}");
    }
    Ok(())
}

#[tokio::test]
async fn heads_with_two_meanings_are_refused_and_never_reach_the_model() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let body = hello().to_string();
    let post = "POST /v1/responses HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let length = body.len();
    for heads in [
        format!("content-length: {length}\r\ncontent-length: {}\r\n", length + 1),
        format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n"),
        format!("content-length: {length}x\r\n"),
        format!("content-length: {length}\r\nauthorization: Bearer a\r\nauthorization: Bearer b\r\n"),
    ] {
        let answer = raw(&stage, &format!("{post}{heads}\r\n{body}")).await?;
        let status = answer.get(9..12).unwrap_or("closed");
        assert!(matches!(status, "400" | "closed"), "{heads}: {answer}");
        assert_eq!(stage.model.requests().len(), 0, "{heads}");
    }
    assert_eq!(stage.respond(&hello()).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_body_that_never_comes_is_given_up() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let mut stream = TcpStream::connect(stage.api().address()).await?;
    stream
        .write_all(b"POST /v1/responses HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{\"model\"")
        .await?;
    drop(stream);
    assert_eq!(stage.respond(&hello()).await?.status, 200);
    assert_eq!(stage.model.requests().len(), 1);
    Ok(())
}

#[tokio::test]
async fn this_machine_is_closed_unless_it_is_opened() -> anyhow::Result<()> {
    let stage = Stage::with(|url| Setup::chat(url).without_loopback()).await?;
    let answer = stage.respond(&hello()).await?;
    let error = answer.json()["error"].clone();
    assert_eq!((answer.status, error["code"].as_str()), (403, Some("egress_denied")), "{}", answer.text());
    assert_eq!(stage.model.requests().len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_url_as_provider_is_unknown_unless_allowed_and_then_guarded() -> anyhow::Result<()> {
    let closed = Stage::chat().await?;
    let ask = |stage: &Stage, url: &str| {
        let body = json!({"model": format!("{url}@some-model"), "input": "Hello"});
        let request = Request::post("/v1/responses", &body).header("authorization", "Bearer own");
        let api = stage.api();
        async move { api.send(request).await }
    };
    assert_eq!(ask(&closed, &closed.model.url()).await?.status, 404);
    let open = Stage::with(|url| Setup::chat(url).flags(&["--allow-url-models"])).await?;
    let answer = ask(&open, &open.model.url()).await?;
    assert_eq!((answer.status, text(&answer.json()).is_empty()), (200, false), "{}", answer.text());
    let seen = open.model.requests();
    assert_eq!(seen[0].header("authorization"), Some("Bearer own"));
    assert_eq!(seen[0].json()["model"], "some-model");
    for url in [
        "http://169.254.169.254/v1",
        "https://10.0.0.1/v1",
        "http://example.com/v1",
        "https://u:p@example.com/v1",
        "https://example.com:22/v1",
    ] {
        let refused = ask(&open, url).await?;
        assert_eq!(refused.status, 403, "{url}: {}", refused.text());
    }
    Ok(())
}

/// A write that waits for an acknowledgement costs 40 ms: the median of a few tells it from noise.
#[tokio::test]
async fn the_first_token_does_not_wait_for_more() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let request = Request::post("/v1/responses", &json!({"model": "demo", "input": "Hello", "stream": true}));
    let mut waits = Vec::new();
    for _ in 0..9 {
        stage.script(Say::text(&["one ", "two ", "three"]).paced(60));
        let asked = Instant::now();
        let mut open = stage.api().open(request.clone()).await?;
        open.until("one ").await?;
        waits.push(asked.elapsed());
        open.finish().await?;
    }
    waits.sort();
    // The first frame, with the role, and the first word come 60 ms after one another.
    assert!(waits[4] < Duration::from_millis(60 + 60 + 35), "{waits:?}");
    Ok(())
}

#[tokio::test]
async fn the_metrics_count_requests_tokens_and_refused_destinations() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let response: Value = stage.respond(&hello()).await?.json();
    stage.proxy.logged("POST /v1/responses").await?; // a request is counted after its last byte
    let metrics = stage.proxy.admin().get("/metrics").await?.text();
    let has = |line: &str| assert!(metrics.lines().any(|known| known.starts_with(line)), "{line}\n{metrics}");
    has(
        "http_server_request_duration_seconds_count{http_response_status_code=\"200\",http_route=\"POST /v1/responses\"} 1",
    );
    let tokens = response["usage"]["input_tokens"].to_string();
    has(&format!(
        "gen_ai_client_inference_usage_input_tokens_total{{gen_ai_request_model=\"demo\"}} {tokens}"
    ));
    has("fairlead_build_info{");
    Ok(())
}
