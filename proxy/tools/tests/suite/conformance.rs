//! The conformance suite of the protocol. It starts this program again as the client of each scenario.

use protocol::Object;
use serde_json::{Value, json};
use tools::mcp::{Call, Catalog, Pool};

use super::stage::{call, server};

/// The test that is the client, as the suite is told to start it.
const CLIENT: &str = "suite::conformance::the_scenario_that_the_environment_names --exact --nocapture";

const SCENARIOS: [(&str, &str); 10] = [
    ("initialize", "2025-11-25"),
    ("tools_call", "2025-11-25"),
    ("sse-retry", "2025-11-25"),
    ("tools_call", "2026-07-28"),
    ("request-metadata", "2026-07-28"),
    ("sep-2322-client-request-state", "2026-07-28"),
    ("http-standard-headers", "2026-07-28"),
    ("http-custom-headers", "2026-07-28"),
    ("http-invalid-tool-headers", "2026-07-28"),
    ("json-schema-ref-no-deref", "2026-07-28"),
];

mod on_real_servers {
    use regression::harness::mcp::Conformance;

    use super::{CLIENT, SCENARIOS};

    #[test]
    fn the_client_conforms_to_the_protocol() -> anyhow::Result<()> {
        let Some(suite) = Conformance::find() else { return Ok(()) };
        let program = std::env::current_exe()?;
        for (scenario, version) in SCENARIOS {
            suite.run(scenario, version, &format!("{} {CLIENT}", program.display()))?;
        }
        Ok(())
    }
}

/// Does nothing unless the conformance suite has started it: lists the tools, and makes the calls that the scenario asks for, or
/// one of each tool. What is wrong with them is for the suite to say.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the suite says by the environment what it wants")]
async fn the_scenario_that_the_environment_names() -> anyhow::Result<()> {
    if std::env::var_os("MCP_CONFORMANCE_SCENARIO").is_none() {
        return Ok(());
    }
    let server = server(&std::env::args().next_back().unwrap_or_default());
    let context = std::env::var("MCP_CONFORMANCE_CONTEXT").unwrap_or_default();
    let (pool, tenant) = (Pool::default(), protocol::id::Tenant::default_tenant());
    let catalog = pool.list(&tenant, &server).await?;
    for call in wanted(&serde_json::from_str(&context).unwrap_or_default(), &catalog) {
        let _ = pool.call(&tenant, &server, &call).await;
    }
    pool.close().await;
    Ok(())
}

fn wanted(context: &Value, catalog: &Catalog) -> Vec<Call> {
    let asked = |one: &Value| {
        let arguments = one.get("arguments").filter(|arguments| arguments.is_object()).cloned();
        call(one["name"].as_str().unwrap_or_default(), arguments.unwrap_or_else(|| json!({})))
    };
    match context["toolCalls"].as_array() {
        Some(calls) => calls.iter().map(asked).collect(),
        None => catalog.tools.iter().map(|tool| call(&tool.name, examples(&tool.input_schema))).collect(),
    }
}

/// A value of the right type for every property.
fn examples(schema: &Object) -> Value {
    let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let example = |property: &Value| match property["type"].as_str() {
        Some("number" | "integer") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        Some("object") => json!({}),
        _ => json!("x"),
    };
    properties.iter().map(|(name, property)| (name.clone(), example(property))).collect::<Object>().into()
}
