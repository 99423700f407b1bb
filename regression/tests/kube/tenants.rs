//! The example of a platform with two teams: applied as it stands, served, and its tenants kept apart.

use std::time::Duration;

use anyhow::Context;
use regression::harness::{Answer, Proxy, Request, Setup};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use super::fleet::{Fleet, root};

/// The files of the example, with the model server in the place of OpenAI.
fn example(fleet: &Fleet) -> anyhow::Result<String> {
    let mut whole = String::new();
    for name in ["10-platform.yaml", "20-team-red.yaml", "20-team-blue.yaml"] {
        let text = std::fs::read_to_string(root().join(name)).with_context(|| name.to_owned())?;
        whole.push_str(&text.replace("https://api.openai.com/v1", &fleet.model.url()));
        whole.push_str("\n---\n");
    }
    Ok(whole)
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
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("no key for {team}\n{}", fleet.operator.log())
}

/// The example with its proxy and a key of each team.
struct Platform {
    fleet: Fleet,
    proxy: Proxy,
    red: String,
    blue: String,
    _token: TempDir,
}

impl Platform {
    async fn start() -> anyhow::Result<Option<Self>> {
        let Some(fleet) = Fleet::start().await? else { return Ok(None) };
        fleet.cluster.kubectl_stdin(&["apply", "--server-side", "-f", "-"], &example(&fleet)?).await?;
        let (red, blue) = (key(&fleet, "team-red").await?, key(&fleet, "team-blue").await?);
        for (namespace, what) in
            [("team-red", "apikey/app"), ("team-red", "model/smart"), ("ai-platform", "tenant/red")]
        {
            until(&fleet, namespace, what, "Accepted").await?;
        }
        let account = ("ai-platform", "fairlead-proxy");
        let token = fleet.cluster.service_account_token(account, "config.fairlead.dev").await?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("token");
        std::fs::write(&file, token)?;
        let (url, file) = (fleet.operator.url(), file.display().to_string());
        let flags = ["--operator", &url, "--gateway", "ai-platform/main", "--operator-token-file", &file];
        let proxy = Setup::without_config().flags(&flags).start().await?;
        until(&fleet, "team-blue", "apikey/app", "Ready").await?;
        Ok(Some(Self { fleet, proxy, red, blue, _token: folder }))
    }

    async fn ask(&self, key: &str, method: &str, path: &str, body: Option<Value>) -> anyhow::Result<Answer> {
        let mut request = Request::new(method, path).header("authorization", &format!("Bearer {key}"));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        self.proxy.api().send(request).await
    }

    async fn get(&self, key: &str, path: &str) -> anyhow::Result<Answer> {
        self.ask(key, "GET", path, None).await
    }

    async fn respond(&self, key: &str, body: Value) -> anyhow::Result<Answer> {
        self.ask(key, "POST", "/v1/responses", Some(body)).await
    }

    async fn names(&self, key: &str) -> anyhow::Result<Vec<String>> {
        let body = self.get(key, "/v1/models").await?.json();
        let list = body["data"].as_array().cloned().unwrap_or_default();
        Ok(list.iter().filter_map(|model| model["id"].as_str().map(str::to_owned)).collect())
    }
}

async fn until(fleet: &Fleet, namespace: &str, what: &str, condition: &str) -> anyhow::Result<()> {
    let condition = format!("--for=condition={condition}");
    let wait = ["wait", what, &condition, "--timeout", "30s", "--namespace", namespace];
    fleet.cluster.kubectl(&wait).await.map(|_| ())
}

#[tokio::test]
async fn the_example_of_two_teams_is_served_and_keeps_them_apart() -> anyhow::Result<()> {
    let Some(platform) = Platform::start().await? else { return Ok(()) };
    each_team_has_its_own_models(&platform).await?;
    what_is_stored_is_its_teams(&platform).await?;
    credentials(&platform).await
}

/// Each team has a model of the same name, and each gets its own.
async fn each_team_has_its_own_models(on: &Platform) -> anyhow::Result<()> {
    for (key, team) in [(&on.red, "red"), (&on.blue, "blue")] {
        let answer = on.respond(key, json!({"model": "smart", "input": "Hello"})).await?;
        assert_eq!(answer.status, 200, "{team}: {}", answer.text());
        let sent = on.fleet.model.requests().last().map(|request| request.json()["model"].clone());
        assert_eq!(sent, Some(json!(format!("smart-{team}"))));
    }
    assert_eq!(on.names(&on.red).await?, ["everyday", "smart"]);
    assert_eq!(on.names(&on.blue).await?, ["smart"]);
    let denied = on.respond(&on.blue, json!({"model": "everyday", "input": "Hello"})).await?;
    assert_eq!(denied.status, 403);
    assert_eq!(denied.json()["error"]["code"], "insufficient_permissions");
    Ok(())
}

/// What red stored is for blue like something that never was.
async fn what_is_stored_is_its_teams(on: &Platform) -> anyhow::Result<()> {
    let stored = on.respond(&on.red, json!({"model": "smart", "input": "Hello"})).await?.json();
    let id = stored["id"].as_str().context("no id")?;
    let unknown = format!("resp_{}", "0".repeat(48));
    let normal = |answer: Answer, id: &str| (answer.status, answer.text().replace(id, "ID"));
    for (method, path) in
        [("GET", "/v1/responses/ID"), ("DELETE", "/v1/responses/ID"), ("GET", "/v1/responses/ID/input_items")]
    {
        let foreign = on.ask(&on.blue, method, &path.replace("ID", id), None).await?;
        let missing = on.ask(&on.blue, method, &path.replace("ID", &unknown), None).await?;
        assert_eq!(normal(foreign, id), normal(missing, &unknown), "{method} {path}");
    }
    let chain = |id: &str| json!({"model": "smart", "input": "And?", "previous_response_id": id});
    let foreign = on.respond(&on.blue, chain(id)).await?;
    let missing = on.respond(&on.blue, chain(&unknown)).await?;
    assert_eq!(normal(foreign, id), normal(missing, &unknown));
    assert_eq!(on.get(&on.red, &format!("/v1/responses/{id}")).await?.status, 200);
    Ok(())
}

/// No credential, a wrong one, a service account, and a key that is revoked.
async fn credentials(on: &Platform) -> anyhow::Result<()> {
    assert_eq!(on.proxy.api().get("/v1/models").await?.status, 401);
    assert_eq!(on.get("fl-wrong", "/v1/models").await?.status, 401);
    let account = on.fleet.cluster.service_account_token(("team-red", "worker"), "fairlead").await?;
    assert_eq!(on.get(&account, "/v1/models").await?.status, 200, "a ServiceAccount of team-red");
    let disabled = r#"{"spec":{"disabled":true}}"#;
    let patch = ["patch", "apikey", "app", "--namespace", "team-red", "--type", "merge", "--patch", disabled];
    on.fleet.cluster.kubectl(&patch).await?;
    let revoked = Instant::now();
    while on.get(&on.red, "/v1/models").await?.status != 401 {
        assert!(revoked.elapsed() < Duration::from_secs(2), "still valid after {:?}", revoked.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
