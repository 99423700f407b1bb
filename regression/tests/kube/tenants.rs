//! The example of a platform with two teams: applied as it stands, served, and its tenants kept apart.

use anyhow::Context;
use regression::harness::{Answer, Client, Request};
use serde_json::{Value, json};

use super::fleet::{Fleet, root};

/// The files of the example, with the model server in the place of OpenAI.
fn example(fleet: &Fleet) -> anyhow::Result<String> {
    let mut whole = String::new();
    for name in ["10-platform.yaml", "20-team-red.yaml", "20-team-blue.yaml"] {
        let text = std::fs::read_to_string(root().join(name)).with_context(|| name.to_owned())?;
        whole.push_str(&text.replace("https://api.openai.com/v1", &fleet.model.url()));
        whole.push_str("\n---\n");
    }
    // The example has a key for a provider on this machine, which needs no TLS.
    Ok(whole)
}

async fn ask(
    api: Client,
    token: &str,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> anyhow::Result<Answer> {
    let mut request = Request::new(method, path).header("authorization", &format!("Bearer {token}"));
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    api.send(request).await
}

async fn key(fleet: &Fleet, team: &str) -> anyhow::Result<String> {
    let get = ["get", "secret", "app-key", "--namespace", team, "--output", "json"];
    for _ in 0..300 {
        if let Ok(found) = fleet.cluster.kubectl(&get).await {
            let secret: Value = serde_json::from_str(&found)?;
            let bytes = base64::Engine::decode(
                &base64::engine::general_purpose::STANDARD,
                secret["data"]["key"].as_str().context("no key")?,
            )?;
            return Ok(String::from_utf8(bytes)?);
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    anyhow::bail!("no key for {team}\n{}", fleet.operator.log())
}

#[tokio::test]
async fn the_example_of_two_teams_is_served_and_keeps_them_apart() -> anyhow::Result<()> {
    let Some(fleet) = Fleet::start().await? else { return Ok(()) };
    fleet.cluster.kubectl_stdin(&["apply", "--server-side", "-f", "-"], &example(&fleet)?).await?;
    let (red, blue) = (key(&fleet, "team-red").await?, key(&fleet, "team-blue").await?);
    for (namespace, what) in
        [("team-red", "apikey/app"), ("team-red", "model/smart"), ("ai-platform", "tenant/red")]
    {
        let wait = ["wait", what, "--for=condition=Accepted", "--timeout", "30s", "--namespace", namespace];
        fleet.cluster.kubectl(&wait).await?;
    }
    let token =
        fleet.cluster.service_account_token(("ai-platform", "fairlead-proxy"), "config.fairlead.dev").await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("token");
    std::fs::write(&file, token)?;
    let (url, file) = (fleet.operator.url(), file.display().to_string());
    let flags = ["--operator", &url, "--gateway", "ai-platform/main", "--operator-token-file", &file];
    let proxy = regression::harness::Setup::without_config().flags(&flags).start().await?;
    let wait =
        ["wait", "apikey/app", "--for=condition=Ready", "--timeout", "30s", "--namespace", "team-blue"];
    fleet.cluster.kubectl(&wait).await?;

    // Each team has a model of that name; each gets its own.
    for (key, team) in [(&red, "red"), (&blue, "blue")] {
        let body = json!({"model": "smart", "input": "Hello"});
        let answer = ask(proxy.api(), key, "POST", "/v1/responses", Some(body)).await?;
        assert_eq!(answer.status, 200, "{team}: {}", answer.text());
        let sent = fleet.model.requests().last().map(|request| request.json()["model"].clone());
        assert_eq!(sent, Some(json!(format!("smart-{team}"))));
    }
    let names = |answer: Answer| -> Vec<String> {
        let body = answer.json();
        let list = body["data"].as_array().cloned().unwrap_or_default();
        list.iter().filter_map(|model| model["id"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!(names(ask(proxy.api(), &red, "GET", "/v1/models", None).await?), ["everyday", "smart"]);
    assert_eq!(names(ask(proxy.api(), &blue, "GET", "/v1/models", None).await?), ["smart"]);
    let denied = json!({"model": "everyday", "input": "Hello"});
    let denied = ask(proxy.api(), &blue, "POST", "/v1/responses", Some(denied)).await?;
    assert_eq!(
        (denied.status, denied.json()["error"]["code"].as_str()),
        (403, Some("insufficient_permissions"))
    );

    // What red stored is for blue like something that never was.
    let body = json!({"model": "smart", "input": "Hello"});
    let stored = ask(proxy.api(), &red, "POST", "/v1/responses", Some(body)).await?.json();
    let id = stored["id"].as_str().context("no id")?;
    let unknown = format!("resp_{}", "0".repeat(48));
    let normal = |answer: Answer, id: &str| (answer.status, answer.text().replace(id, "ID"));
    for (method, path) in
        [("GET", "/v1/responses/ID"), ("DELETE", "/v1/responses/ID"), ("GET", "/v1/responses/ID/input_items")]
    {
        let foreign = ask(proxy.api(), &blue, method, &path.replace("ID", id), None).await?;
        let missing = ask(proxy.api(), &blue, method, &path.replace("ID", &unknown), None).await?;
        assert_eq!(normal(foreign, id), normal(missing, &unknown), "{method} {path}");
    }
    let chain = |id: &str| json!({"model": "smart", "input": "And?", "previous_response_id": id});
    let foreign = ask(proxy.api(), &blue, "POST", "/v1/responses", Some(chain(id))).await?;
    let missing = ask(proxy.api(), &blue, "POST", "/v1/responses", Some(chain(&unknown))).await?;
    assert_eq!(normal(foreign, id), normal(missing, &unknown));
    assert_eq!(ask(proxy.api(), &red, "GET", &format!("/v1/responses/{id}"), None).await?.status, 200);

    // No credential, a wrong one, and one that is revoked.
    assert_eq!(proxy.api().get("/v1/models").await?.status, 401);
    assert_eq!(ask(proxy.api(), "fl-wrong", "GET", "/v1/models", None).await?.status, 401);
    let account = fleet.cluster.service_account_token(("team-red", "worker"), "fairlead").await?;
    assert_eq!(
        ask(proxy.api(), &account, "GET", "/v1/models", None).await?.status,
        200,
        "a ServiceAccount of team-red"
    );
    let revoke = [
        "patch",
        "apikey",
        "app",
        "--namespace",
        "team-red",
        "--type",
        "merge",
        "--patch",
        r#"{"spec":{"disabled":true}}"#,
    ];
    fleet.cluster.kubectl(&revoke).await?;
    let revoked = tokio::time::Instant::now();
    while ask(proxy.api(), &red, "GET", "/v1/models", None).await?.status != 401 {
        assert!(
            revoked.elapsed() < std::time::Duration::from_secs(2),
            "still valid after {:?}",
            revoked.elapsed()
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    Ok(())
}
