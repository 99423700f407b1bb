//! Built-in tools that a tool of an MCP server runs, seen from outside.

use regression::fakes::mcp::{Act, Behaviour, McpServer, Tool};
use regression::fakes::model::{ModelServer, Say};
use regression::harness::Setup;
use serde_json::{Value, json};

use super::events::lawful;
use super::stage::{Stage, kinds, text};

struct Scene {
    stage: Stage,
    server: McpServer,
}

fn gateway(tools: &str) -> String {
    format!(
        "apiVersion: fairlead.dev/v1alpha1\nkind: ResponsesGateway\nmetadata: {{name: main}}\nspec:\n  \
         authentication: {{mode: Disabled, acknowledgeInsecure: true}}\n  tools: {{{tools}}}\n"
    )
}

/// `tool` of the server runs both built-in tools.
fn mapped(tool: &str) -> String {
    let mcp = format!(
        "mcp: {{serverRef: {{name: sandbox}}, tool: {tool}, argument: text, arguments: {{timeout: 30}}}}"
    );
    gateway(&format!("codeInterpreter: {{{mcp}}}, webSearch: {{type: MCP, {mcp}}}"))
}

fn sandbox(url: &str, more: &str) -> String {
    format!(
        "apiVersion: fairlead.dev/v1alpha1\nkind: MCPServer\nmetadata: {{name: sandbox}}\nspec:\n  endpoint: {{url: \"{url}\"}}\n{more}"
    )
}

const FREE: &str = "  approval: {default: Never}\n";

/// A plot and what was printed beside it.
fn plot() -> Tool {
    let content = json!([{"type": "text", "text": "sum 6"}, {"type": "image", "mimeType": "image/png", "data": "iVBORw0KGgo="}]);
    Tool::new("plot", Act::Result(json!({"content": content})))
}

impl Scene {
    async fn new(tool: &str, more: &str, files: &[(&str, &str)]) -> anyhow::Result<Self> {
        let mut behaviour = Behaviour::default();
        behaviour.tools.push(plot());
        let (model, server) = (ModelServer::start().await?, McpServer::start(behaviour).await?);
        let mut setup = Setup::chat(&model.url())
            .file("sandbox.yaml", &sandbox(&server.url(), more))
            .file("gateway.yaml", &mapped(tool));
        for (name, text) in files {
            setup = setup.file(name, text);
        }
        let proxy = setup.start().await?;
        Ok(Self { stage: Stage { model, proxy }, server })
    }

    fn calls(&self, name: &str, arguments: &Value) -> &Self {
        self.stage.script(Say::call("c1", name, arguments)).script(Say::text(&["It is 6."]));
        self
    }

    async fn respond(&self, body: &Value) -> anyhow::Result<Value> {
        let answer = self.stage.respond(body).await?;
        anyhow::ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
        Ok(answer.json())
    }

    fn told(&self) -> String {
        self.stage.model.requests().last().map(|request| request.body.clone()).unwrap_or_default()
    }
}

fn ask(tool: &Value, include: &[&str]) -> Value {
    json!({"model": "demo", "input": "Compute", "tools": [tool], "include": include})
}

fn interpreter() -> Value {
    json!({"type": "code_interpreter", "container": {"type": "auto"}})
}

const OUTPUTS: &[&str] = &["code_interpreter_call.outputs"];

#[tokio::test]
async fn code_runs_at_the_server_and_shows_as_a_code_interpreter_call() -> anyhow::Result<()> {
    let scene = Scene::new("echo", FREE, &[]).await?;
    scene.calls("code_interpreter", &json!({"code": "print(6)"}));
    let events = scene.stage.stream(&ask(&interpreter(), OUTPUTS)).await?;
    lawful(&events)?;
    let seen: Vec<&str> = kinds(&events).into_iter().filter(|kind| kind.contains("interpreter")).collect();
    let expected = [
        "response.code_interpreter_call.in_progress",
        "response.code_interpreter_call_code.delta",
        "response.code_interpreter_call_code.done",
        "response.code_interpreter_call.interpreting",
        "response.code_interpreter_call.completed",
    ];
    assert_eq!(seen, expected);
    let done = events.iter().find(|event| event["type"] == expected[2]).cloned().unwrap_or_default();
    assert_eq!(done["code"], "print(6)");
    let response = events.last().map(|event| event["response"].clone()).unwrap_or_default();
    let call = &response["output"][0];
    assert!(call["id"].as_str().is_some_and(|id| id.starts_with("ci_")));
    assert!(call["container_id"].as_str().is_some_and(|id| id.starts_with("cntr_")));
    assert_eq!(
        (&call["type"], &call["status"], &call["code"]),
        (&json!("code_interpreter_call"), &json!("completed"), &json!("print(6)"))
    );
    assert_eq!(call["outputs"], json!([{"type": "logs", "logs": "print(6)"}]));
    assert_eq!(text(&response), "It is 6.");
    let sent = scene.server.messages("tools/call");
    assert_eq!(sent[0]["params"]["arguments"], json!({"timeout": 30, "text": "print(6)"}));
    Ok(())
}

#[tokio::test]
async fn outputs_are_shown_where_they_are_asked_for_and_images_read_back() -> anyhow::Result<()> {
    let scene = Scene::new("plot", FREE, &[]).await?;
    scene.calls("code_interpreter", &json!({"code": "plot()"}));
    let hidden = scene.respond(&ask(&interpreter(), &[])).await?;
    assert_eq!(hidden["output"][0]["outputs"], Value::Null);
    assert!(scene.told().contains("sum 6") && !scene.told().contains("iVBORw0KGgo"), "{}", scene.told());
    let id = hidden["id"].as_str().unwrap_or_default();
    let shown = scene
        .stage
        .api()
        .get(&format!("/v1/responses/{id}?include[]=code_interpreter_call.outputs"))
        .await?
        .json();
    let expected = json!([{"type": "logs", "logs": "sum 6"}, {"type": "image", "url": "data:image/png;base64,iVBORw0KGgo="}]);
    assert_eq!(shown["output"][0]["outputs"], expected);
    let mut next = ask(&interpreter(), &[]);
    next["previous_response_id"] = hidden["id"].clone();
    scene.stage.script(Say::text(&["Again"]));
    assert_eq!(text(&scene.respond(&next).await?), "Again");
    assert!(scene.told().contains("sum 6") && scene.told().contains("plot()"), "{}", scene.told());
    assert!(!scene.told().contains("iVBORw0KGgo"));
    Ok(())
}

#[tokio::test]
async fn code_that_fails_is_told_and_shown() -> anyhow::Result<()> {
    let scene = Scene::new("fail", FREE, &[]).await?;
    scene.calls("code_interpreter", &json!({"code": "1/0"}));
    let response = scene.respond(&ask(&interpreter(), OUTPUTS)).await?;
    let call = &response["output"][0];
    assert_eq!((&call["status"], &response["status"]), (&json!("failed"), &json!("completed")));
    assert!(call["outputs"][0]["logs"].as_str().is_some_and(|logs| !logs.is_empty()), "{call}");
    assert!(call.get("error").is_none());
    Ok(())
}

#[tokio::test]
async fn a_search_shows_as_a_web_search_call() -> anyhow::Result<()> {
    let scene = Scene::new("echo", FREE, &[]).await?;
    for kind in ["web_search", "web_search_preview"] {
        scene.calls("web_search", &json!({"query": "cats"}));
        let include = ["web_search_call.results"];
        let response = scene.respond(&ask(&json!({"type": kind}), &include)).await?;
        let call = &response["output"][0];
        assert_eq!((&call["type"], &call["status"]), (&json!("web_search_call"), &json!("completed")));
        assert_eq!((&call["action"]["type"], &call["action"]["query"]), (&json!("search"), &json!("cats")));
        assert_eq!(call["results"], json!([{"text": "cats"}]));
    }
    let narrowed = json!({"type": "web_search", "filters": {"allowed_domains": ["example.com"]}});
    let answer = scene.stage.respond(&ask(&narrowed, &[])).await?;
    assert_eq!(
        (answer.status, &answer.json()["error"]["param"]),
        (400, &json!("tools[0].filters.allowed_domains"))
    );
    Ok(())
}

const DENIED: &str = "apiVersion: fairlead.dev/v1alpha1\nkind: ToolPolicy\nmetadata: {name: none}\nspec:\n  \
    targetRefs: [{kind: MCPServer, name: sandbox}]\n  defaultAction: Allow\n  \
    rules: [{name: no-imports, action: Deny, when: \"args.text.contains('import')\"}]\n";

#[tokio::test]
async fn the_rules_of_the_server_and_its_policies_hold() -> anyhow::Result<()> {
    let asking = Scene::new("echo", "", &[]).await?;
    asking.calls("code_interpreter", &json!({"code": "1"}));
    let response = asking.respond(&ask(&interpreter(), &[])).await?;
    assert_eq!(response["output"][0]["status"], "failed");
    assert!(asking.told().contains("needs an approval"), "{}", asking.told());
    assert_eq!(asking.server.asked("tools/call"), 0);
    let governed = Scene::new("echo", FREE, &[("policy.yaml", DENIED)]).await?;
    for (code, calls) in [("import os", 0), ("print(1)", 1)] {
        governed.calls("code_interpreter", &json!({"code": code}));
        governed.respond(&ask(&interpreter(), &[])).await?;
        assert_eq!(governed.server.asked("tools/call"), calls, "{code}");
    }
    Ok(())
}

#[tokio::test]
async fn without_a_server_the_setting_is_named() -> anyhow::Result<()> {
    let bare = Stage::chat().await?;
    for (kind, setting) in
        [("code_interpreter", "spec.tools.codeInterpreter"), ("web_search", "spec.tools.webSearch")]
    {
        let answer = bare.respond(&ask(&json!({"type": kind}), &[])).await?;
        assert_eq!((answer.status, &answer.json()["error"]["param"]), (400, &json!("tools[0].type")));
        assert!(answer.text().contains(setting), "{}", answer.text());
    }
    Ok(())
}
