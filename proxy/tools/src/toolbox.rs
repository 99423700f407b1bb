//! The tools of one request: what the model sees, who runs a call, and the executors of those that the server runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use agent::model::{ModelTool, ToolInput};
use agent::tool::{ClientTool, Decision, Ownership, ServerTool, ToolCall, ToolOutcome};
use async_trait::async_trait;
use protocol::Object;
use protocol::error::ApiError;
use protocol::responses::tool::{HostedTool, Tool};
use serde_json::Value;

use crate::think;

/// Runs the calls of one kind of tool.
#[async_trait]
pub trait Executor: Send + Sync {
    /// The kind of tool, for metrics and logs.
    fn label(&self) -> &'static str;

    /// Runs a call. Infallible: a failed tool is an outcome that the model sees.
    async fn execute(&self, call: &ToolCall) -> ToolOutcome;
}

/// The tools of one request, by the names that the model sees. Names are mapped per request and never parsed.
#[derive(Clone, Default)]
pub struct Toolbox(Arc<Inner>);

#[derive(Default)]
struct Inner {
    entries: BTreeMap<String, Entry>,
    offered: Arc<Vec<ModelTool>>,
}

struct Entry {
    decision: Decision,
    executor: Option<Arc<dyn Executor>>,
}

#[derive(Default)]
struct Builder {
    entries: BTreeMap<String, Entry>,
    offered: Vec<ModelTool>,
}

impl Toolbox {
    /// Collects the tools of a request. Names of the client win over names of the server.
    ///
    /// Errors: 400 `unsupported_value` for a tool that nothing here can run.
    pub fn new(tools: &[Tool]) -> Result<Self, ApiError> {
        let mut builder = Builder::default();
        for tool in tools {
            builder.client(tool);
        }
        for (index, tool) in tools.iter().enumerate() {
            if let Tool::Hosted(hosted) = tool {
                builder.hosted(index, hosted)?;
            }
        }
        let Builder { entries, offered } = builder;
        Ok(Self(Arc::new(Inner { entries, offered: Arc::new(offered) })))
    }

    /// What the model may call.
    pub fn offered(&self) -> Arc<Vec<ModelTool>> {
        Arc::clone(&self.0.offered)
    }

    /// The names that tools of one hosted type have for the model, such as those of `think`.
    pub fn named(&self, kind: &str) -> Vec<String> {
        let of_kind = |entry: &Entry| entry.executor.as_ref().is_some_and(|one| one.label() == kind);
        self.0.entries.iter().filter(|(_, entry)| of_kind(entry)).map(|(name, _)| name.clone()).collect()
    }

    /// Runs a call of a server tool.
    pub async fn execute(&self, call: &ToolCall) -> ToolOutcome {
        match self.0.entries.get(&call.name).and_then(|entry| entry.executor.as_ref()) {
            Some(executor) => executor.execute(call).await,
            None => ToolOutcome::failure(format!("There is no tool named {}.", call.name)),
        }
    }

    /// The kind of a server tool, for metrics and logs.
    pub fn label(&self, name: &str) -> &'static str {
        let executor = self.0.entries.get(name).and_then(|entry| entry.executor.as_ref());
        executor.map_or("_other", |executor| executor.label())
    }
}

impl Ownership for Toolbox {
    fn decide(&self, name: &str) -> Decision {
        match self.0.entries.get(name) {
            Some(entry) => entry.decision.clone(),
            None => Decision::Denied(format!("There is no tool named {name}.")),
        }
    }
}

impl Builder {
    fn client(&mut self, tool: &Tool) {
        match tool {
            Tool::Function(tool) => {
                let name = tool.name.clone();
                let input = ToolInput::Schema { parameters: tool.parameters.clone(), strict: tool.strict };
                let model = ModelTool { name: name.clone(), description: tool.description.clone(), input };
                self.add(model, ClientTool::Function { name, namespace: None });
            }
            Tool::Custom(tool) => {
                let name = tool.name.clone();
                let input = ToolInput::Text { format: tool.format.clone() };
                let model = ModelTool { name: name.clone(), description: tool.description.clone(), input };
                self.add(model, ClientTool::Custom { name, namespace: None });
            }
            Tool::Hosted(tool) if tool.kind == "namespace" => self.namespace(tool),
            Tool::Hosted(_) => {}
        }
    }

    /// The functions of a namespace reach the model as `namespace__name`.
    fn namespace(&mut self, tool: &HostedTool) {
        let Some(space) = tool.fields.get("name").and_then(Value::as_str) else { return };
        let functions = tool.fields.get("tools").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for function in functions.iter().filter_map(Value::as_object) {
            let Some(name) = text(function, "name") else { continue };
            let parameters = function.get("parameters").filter(|schema| !schema.is_null()).cloned();
            let strict = function.get("strict").and_then(Value::as_bool);
            let model = ModelTool {
                name: format!("{space}__{name}"),
                description: text(function, "description"),
                input: ToolInput::Schema { parameters, strict },
            };
            self.add(model, ClientTool::Function { name, namespace: Some(space.to_owned()) });
        }
    }

    fn hosted(&mut self, index: usize, tool: &HostedTool) -> Result<(), ApiError> {
        match tool.kind.as_str() {
            "namespace" => Ok(()),
            "think" => {
                let name = text(&tool.fields, "alias").unwrap_or_else(|| "think".to_owned());
                let model = think::declaration(name, text(&tool.fields, "alias_description"));
                self.serve(model, ServerTool::Think, Arc::new(think::Think));
                Ok(())
            }
            other => {
                let message = format!("The tool type '{other}' is not available on this server.");
                Err(ApiError::unsupported_value(&format!("tools[{index}].type"), message))
            }
        }
    }

    fn add(&mut self, model: ModelTool, client: ClientTool) {
        let entry = Entry { decision: Decision::Client(client), executor: None };
        if self.entries.insert(model.name.clone(), entry).is_none() {
            self.offered.push(model);
        }
    }

    fn serve(&mut self, model: ModelTool, server: ServerTool, executor: Arc<dyn Executor>) {
        if self.entries.contains_key(&model.name) {
            return;
        }
        let entry = Entry { decision: Decision::Server(server), executor: Some(executor) };
        self.entries.insert(model.name.clone(), entry);
        self.offered.push(model);
    }
}

fn text(fields: &Object, key: &str) -> Option<String> {
    fields.get(key).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn toolbox(tools: Value) -> Result<Toolbox, ApiError> {
        Toolbox::new(&serde_json::from_value::<Vec<Tool>>(tools).expect("tools"))
    }

    #[test]
    fn functions_belong_to_the_client_and_think_to_the_server() {
        let toolbox = toolbox(json!([{"type": "function", "name": "f"}, {"type": "think"}])).expect("known");
        let client = ClientTool::Function { name: "f".into(), namespace: None };
        assert_eq!(toolbox.decide("f"), Decision::Client(client));
        assert_eq!(toolbox.decide("think"), Decision::Server(ServerTool::Think));
        assert!(matches!(toolbox.decide("g"), Decision::Denied(_)));
    }

    #[test]
    fn an_alias_renames_what_the_model_sees() {
        let tools = json!([{"type": "think", "alias": "ponder", "alias_description": "Ponder."}]);
        let toolbox = toolbox(tools).expect("known");
        let offered = toolbox.offered();
        assert_eq!(
            (offered[0].name.as_str(), offered[0].description.as_deref()),
            ("ponder", Some("Ponder."))
        );
        assert_eq!(toolbox.decide("ponder"), Decision::Server(ServerTool::Think));
    }

    #[test]
    fn a_client_function_is_never_taken_over_by_a_server_tool_of_its_name() {
        let toolbox =
            toolbox(json!([{"type": "think"}, {"type": "function", "name": "think"}])).expect("known");
        assert!(matches!(toolbox.decide("think"), Decision::Client(_)));
        assert_eq!(toolbox.offered().len(), 1);
    }

    #[test]
    fn functions_of_a_namespace_keep_their_own_name() {
        let tools =
            json!([{"type": "namespace", "name": "crm", "tools": [{"type": "function", "name": "find"}]}]);
        let toolbox = toolbox(tools).expect("known");
        let client = ClientTool::Function { name: "find".into(), namespace: Some("crm".into()) };
        assert_eq!(toolbox.decide("crm__find"), Decision::Client(client));
    }

    #[test]
    fn a_tool_that_nothing_can_run_is_refused() {
        let Err(error) = toolbox(json!([{"type": "code_interpreter"}])) else { panic!("accepted") };
        assert_eq!((error.status, error.param.as_deref()), (400, Some("tools[0].type")));
        assert_eq!(error.code.as_deref(), Some("unsupported_value"));
    }

    #[tokio::test]
    async fn think_acknowledges() {
        let toolbox = toolbox(json!([{"type": "think"}])).expect("known");
        let call = ToolCall { id: "call_1".into(), name: "think".into(), arguments: "{}".into() };
        let outcome = toolbox.execute(&call).await;
        assert!(!outcome.failed && !outcome.output.is_empty());
    }
}
