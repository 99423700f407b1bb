//! Servers with certificates of an authority that the system does not know.

use std::fmt::Write;

use regression::fakes::mcp::{Behaviour, McpServer};
use regression::fakes::model::{ModelServer, Say};
use regression::harness::setup::{model, provider};
use regression::harness::{Certificates, Proxy, Setup, Veil};
use serde_json::{Value, json};

/// A model and an MCP server behind TLS.
struct Scene {
    model: ModelServer,
    server: McpServer,
    certificates: Certificates,
    veils: [Veil; 2],
}

impl Scene {
    async fn start() -> anyhow::Result<Self> {
        let (model, server) = (ModelServer::start().await?, McpServer::start(Behaviour::default()).await?);
        let certificates = Certificates::make()?;
        let veils = [
            Veil::start(model.address(), &certificates).await?,
            Veil::start(server.address(), &certificates).await?,
        ];
        Ok(Self { model, server, certificates, veils })
    }

    /// Both as objects, at `host`, with these lines about TLS.
    fn objects(&self, host: &str, tls: &str) -> String {
        let [to_model, to_server] = [0, 1].map(|place: usize| self.veils[place].address().port());
        let fake = provider("fake", &format!("https://{host}:{to_model}/v1"), "ChatCompletions");
        let docs = format!(
            "apiVersion: fairlead.dev/v1alpha1\nkind: MCPServer\nmetadata: {{name: docs}}\nspec:\n  \
             endpoint: {{url: \"https://{host}:{to_server}/mcp\"}}\n  approval: {{default: Never}}\n  failureMode: Closed\n"
        );
        format!("{fake}{tls}---\n{}---\n{docs}{tls}", model("demo", "Chat", "fake"))
    }

    /// A ConfigMap with the certificate of an authority.
    fn bundle(&self, authority: &str) -> anyhow::Result<String> {
        let pem = std::fs::read_to_string(self.certificates.path(authority))?;
        let mut map =
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: ca}\ndata:\n  ca.crt: |\n".to_owned();
        pem.lines().try_for_each(|line| writeln!(map, "    {line}"))?;
        Ok(map)
    }

    async fn proxy(&self, yaml: &str) -> anyhow::Result<Proxy> {
        Setup::default().file("all.yaml", yaml).start().await
    }

    /// Calls the tool of the server in a response of the model.
    async fn asks(&self, proxy: &Proxy) -> anyhow::Result<(u16, Value)> {
        self.model.reset();
        self.model.script(Say::call("c1", "mcp__docs__add", &json!({"a": 2, "b": 3})));
        self.model.script(Say::text(&["Done"]));
        let tool = json!({"type": "mcp", "server_label": "docs", "require_approval": "never"});
        let body = json!({"model": "demo", "input": "Add", "tools": [tool]});
        let answer = proxy.api().post("/v1/responses", &body).await?;
        Ok((answer.status, answer.json()))
    }
}

const OURS: &str = "  tls: {caBundleRef: {name: ca, key: ca.crt}}\n";

/// A condition of an object, as the admin port shows it.
async fn condition(proxy: &Proxy, kind: &str, name: &str) -> anyhow::Result<Value> {
    let status = proxy.admin().get("/status").await?.json();
    let objects = status["configuration"]["objects"].as_array().cloned().unwrap_or_default();
    let object = objects.into_iter().find(|one| one["kind"] == kind).unwrap_or_default();
    let conditions = object["conditions"].as_array().cloned().unwrap_or_default();
    Ok(conditions.into_iter().find(|one| one["type"] == name).unwrap_or_default())
}

#[tokio::test]
async fn a_private_authority_is_trusted_where_an_object_says_so_and_nowhere_else() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let trusting = format!("{}{}", scene.objects("localhost", OURS), scene.bundle("ours.pem")?);
    let (status, response) = scene.asks(&scene.proxy(&trusting).await?).await?;
    assert_eq!(status, 200, "{response}");
    assert_eq!(response["output"][1]["error"], Value::Null, "{response}");
    assert_eq!(scene.server.asked("tools/call"), 1);

    let other = format!("{}{}", scene.objects("localhost", OURS), scene.bundle("other.pem")?);
    for refusing in [scene.objects("localhost", ""), other] {
        let proxy = scene.proxy(&refusing).await?;
        for _ in 0..3 {
            let plain =
                proxy.api().post("/v1/responses", &json!({"model": "demo", "input": "Hello"})).await?;
            assert_eq!(plain.status, 502, "{}", plain.text());
            assert_eq!(scene.asks(&proxy).await?.0, 424);
        }
        for kind in ["ModelProvider", "MCPServer"] {
            assert_eq!(condition(&proxy, kind, "Healthy").await?["reason"], "TLSFailure", "{kind}");
        }
    }
    assert_eq!(scene.server.asked("tools/call"), 1);
    assert!(scene.model.requests().is_empty(), "nothing got through");
    Ok(())
}

#[tokio::test]
async fn the_name_in_the_certificate_can_be_another_than_the_host() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let named =
        |name: &str| format!("  tls: {{caBundleRef: {{name: ca, key: ca.crt}}, serverName: {name}}}\n");
    for (name, expected) in [("localhost", 200), ("elsewhere.example", 424)] {
        let yaml = format!("{}{}", scene.objects("127.0.0.1", &named(name)), scene.bundle("ours.pem")?);
        let (answered, response) = scene.asks(&scene.proxy(&yaml).await?).await?;
        assert_eq!(answered, expected, "{name}: {response}");
    }
    Ok(())
}

#[tokio::test]
async fn a_bundle_that_cannot_be_used_is_a_condition_and_no_end() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let bad = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: ca}\ndata: {ca.crt: nonsense}\n";
    let proxy = scene.proxy(&format!("{}{bad}", scene.objects("localhost", OURS))).await?;
    for kind in ["ModelProvider", "MCPServer"] {
        let resolved = condition(&proxy, kind, "ResolvedRefs").await?;
        assert_eq!((&resolved["status"], &resolved["reason"]), (&json!(false), &json!("InvalidConfigMap")));
    }
    assert_eq!(scene.asks(&proxy).await?.0, 424, "nobody is trusted");
    Ok(())
}
