//! Who may ask, and what tenants see of each other: with the kinds of the cluster, in a folder.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regression::fakes::model::ModelServer;
use regression::harness::setup::provider;
use regression::harness::{Answer, Proxy, Request, Setup};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const RED: &str = "red-key-0123456789abcdef01";
const BLUE: &str = "blue-key-0123456789abcdef0";
const OLD: &str = "old-key-0123456789abcdef01";
const OFF: &str = "off-key-0123456789abcdef01";

/// Two tenants with a model of the same name each, keys, and perhaps an issuer of tokens.
fn platform(model: &str, issuer: Option<&str>) -> Setup {
    let (methods, jwt) = match issuer {
        Some(issuer) => (
            "[APIKey, JWT]",
            format!(
                "    jwt: [{{name: corp, issuer: \"{issuer}\", audiences: [fairlead], jwksURI: \"{issuer}/keys\"}}]\n"
            ),
        ),
        None => ("[APIKey]", String::new()),
    };
    let gateway = format!(
        "apiVersion: fairlead.dev/v1alpha1\nkind: ResponsesGateway\nmetadata: {{name: main, namespace: ai}}\nspec:\n  \
         allowedNamespaces: {{from: All}}\n  tenancy: {{mode: Multi}}\n  authentication:\n    methods: {methods}\n{jwt}"
    );
    let shared = provider("fake", model, "ChatCompletions")
        .replace("{name: fake}", "{name: fake, namespace: ai}")
        .replace("spec:\n", "spec:\n  allowedNamespaces: {from: All}\n");
    let keys = [
        key("red", "app", RED, ""),
        key("blue", "app", BLUE, ""),
        key("red", "old", OLD, "expiresAt: \"2020-01-01T00:00:00Z\""),
        key("red", "disabled", OFF, "disabled: true"),
    ];
    Setup::default()
        .file("gateway.yaml", &gateway)
        .file("provider.yaml", &shared)
        .file("red.yaml", &team("red"))
        .file("blue.yaml", &team("blue"))
        .file("keys.yaml", &keys.join("---\n"))
}

fn team(name: &str) -> String {
    format!(
        "apiVersion: fairlead.dev/v1alpha1\nkind: Tenant\nmetadata: {{name: {name}, namespace: ai}}\nspec:\n  namespaces: [{name}]\n  \
         subjects: [{{jwt: {{issuer: corp, claim: groups, values: [{name}]}}}}]\n---\napiVersion: fairlead.dev/v1alpha1\nkind: \
         Model\nmetadata: {{name: smart, namespace: {name}}}\nspec:\n  gatewayRefs: [{{name: main, namespace: ai}}]\n  targets: \
         [{{name: only, providerRef: {{name: fake, namespace: ai}}, upstreamModel: smart-{name}}}]\n"
    )
}

fn key(team: &str, name: &str, value: &str, more: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!("  {more}\n") };
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {team}}}\nstringData: {{key: \"{value}\"}}\n---\napiVersion: \
         fairlead.dev/v1alpha1\nkind: APIKey\nmetadata: {{name: {name}, namespace: {team}}}\nspec:\n  gatewayRefs: [{{name: main, \
         namespace: ai}}]\n  secretRef: {{name: {name}}}\n{more}"
    )
}

async fn ask(
    proxy: &Proxy,
    token: &str,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> anyhow::Result<Answer> {
    let mut request = Request::new(method, path).header("authorization", &format!("Bearer {token}"));
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    proxy.api().send(request).await
}

fn hello() -> Value {
    json!({"model": "smart", "input": "Hello", "messages": [{"role": "user", "content": "Hello"}]})
}

#[tokio::test]
async fn a_key_is_its_tenant_and_never_goes_upstream() -> anyhow::Result<()> {
    let model = ModelServer::start().await?;
    let proxy = platform(&model.url(), None).start().await?;
    for (key, team) in [(RED, "red"), (BLUE, "blue")] {
        for path in ["/v1/responses", "/v1/chat/completions"] {
            let answer = ask(&proxy, key, "POST", path, Some(&hello())).await?;
            assert_eq!(answer.status, 200, "{team} {path}: {}", answer.text());
            let seen = model.requests().pop().context("nothing was sent")?;
            assert_eq!(seen.json()["model"], format!("smart-{team}"));
            assert!(!format!("{seen:?}").contains(key), "the gateway's key went upstream");
        }
    }
    let log = proxy.logged("/v1/chat/completions").await?;
    assert!(!log.contains(RED) && !log.contains(BLUE), "a key is in the log");
    assert!(log.contains("red/app"), "the log names the key object: {log}");
    Ok(())
}

#[tokio::test]
async fn who_brings_no_valid_credential_is_refused_before_the_body() -> anyhow::Result<()> {
    let model = ModelServer::start().await?;
    let proxy = platform(&model.url(), None).start().await?;
    for token in ["", "guessed", OLD, OFF, "a.b.c"] {
        let answer = ask(&proxy, token, "POST", "/v1/responses", Some(&hello())).await?;
        let error = answer.json()["error"].clone();
        assert_eq!(
            (answer.status, error["code"].as_str()),
            (401, Some("invalid_api_key")),
            "{token}: {}",
            answer.text()
        );
    }
    assert_eq!(proxy.api().get("/v1/models").await?.status, 401);
    assert_eq!(proxy.api().get("/actuator/health").await?.status, 200);
    assert_eq!(model.requests().len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_foreign_id_answers_like_an_unknown_one_everywhere() -> anyhow::Result<()> {
    let model = ModelServer::start().await?;
    let proxy = platform(&model.url(), None).start().await?;
    let response = ask(&proxy, RED, "POST", "/v1/responses", Some(&hello())).await?.json();
    let mut stored = hello();
    stored["store"] = json!(true);
    let chat = ask(&proxy, RED, "POST", "/v1/chat/completions", Some(&stored)).await?.json();
    let text = |value: &Value| value.as_str().map(str::to_owned).context("no id");
    let (response_id, chat_id) = (text(&response["id"])?, text(&chat["id"])?);
    let item_id = text(&response["output"][0]["id"])?;
    let unknown =
        |id: &str| format!("{}{}", &id[..id.find(['_', '-']).map_or(0, |end| end + 1)], "0".repeat(48));
    let reference = |id: &str| json!({"model": "smart", "input": [{"type": "item_reference", "id": id}]});
    let chain = |id: &str| json!({"model": "smart", "input": "And?", "previous_response_id": id});
    let (r, c) = ("/v1/responses/ID", "/v1/chat/completions/ID");
    type Body<'a> = Option<&'a dyn Fn(&str) -> Value>;
    let walk: [(&str, &str, &str, Body<'_>); 10] = [
        ("GET", r, &response_id, None),
        ("DELETE", r, &response_id, None),
        ("GET", "/v1/responses/ID/input_items", &response_id, None),
        ("POST", "/v1/responses", &response_id, Some(&chain)),
        ("POST", "/v1/responses", &item_id, Some(&reference)),
        ("POST", "/v1/responses/input_tokens", &response_id, Some(&chain)),
        ("GET", c, &chat_id, None),
        ("DELETE", c, &chat_id, None),
        ("GET", "/v1/chat/completions/ID/messages", &chat_id, None),
        ("POST", c, &chat_id, Some(&|_: &str| json!({"metadata": {"a": "b"}}))),
    ];
    for (method, path, id, body) in walk {
        let mut answers = Vec::new();
        for id in [id.to_owned(), unknown(id)] {
            let body = body.map(|body| body(&id));
            let answer = ask(&proxy, BLUE, method, &path.replace("ID", &id), body.as_ref()).await?;
            assert!(answer.status >= 400, "{method} {path}: {}", answer.text());
            answers.push((answer.status, answer.text().replace(&id, "ID")));
        }
        assert_eq!(answers[0], answers[1], "{method} {path}");
    }
    let listed = ask(&proxy, BLUE, "GET", "/v1/chat/completions", None).await?.json();
    assert_eq!(listed["data"], json!([]));
    assert_eq!(ask(&proxy, RED, "GET", &format!("/v1/responses/{response_id}"), None).await?.status, 200);
    assert_eq!(ask(&proxy, RED, "GET", &format!("/v1/chat/completions/{chat_id}"), None).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_model_that_is_denied_has_no_back_door() -> anyhow::Result<()> {
    let model = ModelServer::start().await?;
    let red = team("red").replace("spec:\n  namespaces", "spec:\n  models: {deny: [smart]}\n  namespaces");
    let red = red.replace("spec:\n  gatewayRefs", "spec:\n  aliases: [clever]\n  gatewayRefs");
    let proxy = platform(&model.url(), None).file("red.yaml", &red).start().await?;
    for name in ["smart", "clever"] {
        let mut body = hello();
        body["model"] = json!(name);
        let answer = ask(&proxy, RED, "POST", "/v1/responses", Some(&body)).await?;
        assert_eq!(answer.status, 403, "{name}: {}", answer.text());
    }
    assert_eq!(ask(&proxy, RED, "GET", "/v1/models", None).await?.json()["data"], json!([]));
    assert_eq!(model.requests().len(), 0);
    Ok(())
}

/// An issuer with one RSA key at a time, made and used by openssl.
struct Issuer {
    url: String,
    folder: tempfile::TempDir,
    jwks: Arc<parking_lot::Mutex<String>>,
    _server: JoinSet<()>,
}

impl Issuer {
    async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let jwks = Arc::new(parking_lot::Mutex::new(String::new()));
        let mut server = JoinSet::new();
        server.spawn(publish(listener, Arc::clone(&jwks)));
        let issuer = Self { url, folder: tempfile::tempdir()?, jwks, _server: server };
        issuer.rotate("first")?;
        Ok(issuer)
    }

    /// Replaces the key.
    fn rotate(&self, id: &str) -> anyhow::Result<()> {
        let key = self.key();
        openssl(&["genrsa", "-out", &key, "2048"], None)?;
        let modulus = String::from_utf8(openssl(&["rsa", "-in", &key, "-noout", "-modulus"], None)?)?;
        let hex = modulus.trim().trim_start_matches("Modulus=").as_bytes().chunks(2);
        let bytes: Vec<u8> = hex
            .map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?))
            .collect::<anyhow::Result<_>>()?;
        let jwk = json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id, "n": URL_SAFE_NO_PAD.encode(bytes), "e": "AQAB"});
        *self.jwks.lock() = json!({"keys": [jwk]}).to_string();
        Ok(())
    }

    /// A signed token; `claims` on top of those that are right.
    fn token(&self, id: &str, claims: &Value) -> anyhow::Result<String> {
        let mut all = json!({"iss": self.url, "aud": "fairlead", "sub": "ann", "exp": 4_102_444_800_u64, "groups": ["red"]});
        for (name, value) in claims.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        let head = json!({"alg": "RS256", "typ": "JWT", "kid": id});
        let signed = format!("{}.{}", part(&head), part(&all));
        let signature = openssl(&["dgst", "-sha256", "-sign", &self.key()], Some(signed.as_bytes()))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn key(&self) -> String {
        Path::join(self.folder.path(), "key.pem").display().to_string()
    }
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

async fn publish(listener: TcpListener, jwks: Arc<parking_lot::Mutex<String>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = [0; 4096];
        if stream.read(&mut request).await.is_ok() {
            let body = jwks.lock().clone();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            // A client that left needs no answer.
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    }
}

fn openssl(arguments: &[&str], input: Option<&[u8]>) -> anyhow::Result<Vec<u8>> {
    let mut file = tempfile::NamedTempFile::new()?;
    std::io::Write::write_all(&mut file, input.unwrap_or_default())?;
    let output = Command::new("openssl").args(arguments).stdin(file.reopen()?).output();
    let output = output.context("openssl is needed: apt-get install openssl")?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
}

#[tokio::test]
async fn a_token_is_checked_and_its_claims_say_the_tenant() -> anyhow::Result<()> {
    let (model, issuer) = (ModelServer::start().await?, Issuer::start().await?);
    let proxy = platform(&model.url(), Some(&issuer.url)).start().await?;
    let cases = [
        (json!({}), 200),
        (json!({"groups": "blue"}), 200),
        (json!({"aud": "other"}), 401),
        (json!({"exp": 1_000_000_000}), 401),
        (json!({"nbf": 4_102_444_000_u64}), 401),
        (json!({"iss": "http://127.0.0.1:1"}), 401),
        (json!({"groups": ["green"]}), 403),
        (json!({"groups": ["red", "blue"]}), 403),
    ];
    for (claims, status) in cases {
        let answer = ask(&proxy, &issuer.token("first", &claims)?, "GET", "/v1/models", None).await?;
        assert_eq!(answer.status, status, "{claims}: {}", answer.text());
    }
    let good = issuer.token("first", &json!({}))?;
    let (signed, _) = good.rsplit_once('.').context("a token")?;
    let claims = signed.split('.').nth(1).context("claims")?;
    let none = format!("{}.{claims}.", part(&json!({"alg": "none"})));
    for forged in [format!("{signed}.AAAA"), none] {
        assert_eq!(ask(&proxy, &forged, "GET", "/v1/models", None).await?.status, 401, "{forged}");
    }
    Ok(())
}

#[tokio::test]
async fn a_running_proxy_takes_up_a_new_folder_of_keys() -> anyhow::Result<()> {
    let model = ModelServer::start().await?;
    let proxy = platform(&model.url(), None).start().await?;
    assert_eq!(ask(&proxy, BLUE, "GET", "/v1/models", None).await?.status, 200);
    proxy.configure("keys.yaml", &key("red", "app", RED, ""))?;
    let changed = tokio::time::Instant::now();
    while ask(&proxy, BLUE, "GET", "/v1/models", None).await?.status != 401 {
        assert!(changed.elapsed() < std::time::Duration::from_secs(2), "the removed key is still valid");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(ask(&proxy, RED, "GET", "/v1/models", None).await?.status, 200);
    // Without its gateway a proxy that had one does not open itself to everybody.
    proxy.unconfigure("gateway.yaml")?;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(proxy.api().get("/v1/models").await?.status, 401);
    Ok(())
}
