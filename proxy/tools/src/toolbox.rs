//! The tools of one request: what the model sees, who runs a call, and the executors of those that the server runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use agent::model::{ModelTool, ToolInput};
use agent::tool::{
    ClientTool, Decision, ListOutcome, Listing, Owner, Ownership, Server, ServerTool, ToolCall, ToolOutcome,
};
use protocol::Object;
use protocol::error::ApiError;
use protocol::responses::mcp::{ListedTool, McpError};
use protocol::responses::tool::{HostedTool, McpTool, Tool};
use serde_json::Value;

use crate::builtin::{Builtins, Executor, Offer};
use crate::progress::Reporter;
use crate::remote::Remote;
use crate::web_search;

/// The servers of a request by their labels.
pub type Remotes = BTreeMap<String, Arc<dyn Remote>>;

/// What stands behind the tools of a request.
#[derive(Clone, Default)]
pub struct Behind {
    /// Its MCP servers.
    pub remotes: Remotes,
    /// The built-in tools that it names and that this process can run.
    pub builtins: Builtins,
}

/// The tools of one request, by the names that the model sees. Names are mapped per request and never parsed.
///
/// The tools of MCP servers join when they are listed; the run gives them names and resolves these.
#[derive(Clone, Default)]
pub struct Toolbox {
    inner: Arc<Inner>,
    /// Of the listed tools, by server and name: whether it is believed that it changes nothing.
    listed: BTreeMap<(String, String), bool>,
}

#[derive(Default)]
struct Inner {
    entries: BTreeMap<String, Entry>,
    offered: Arc<Vec<ModelTool>>,
    servers: Vec<Connected>,
}

/// A server with what the request says of it.
struct Connected {
    tool: McpTool,
    remote: Arc<dyn Remote>,
}

struct Entry {
    owner: Owner,
    executor: Option<Arc<dyn Executor>>,
}

#[derive(Default)]
struct Builder {
    entries: BTreeMap<String, Entry>,
    offered: Vec<ModelTool>,
    servers: Vec<Connected>,
}

impl Toolbox {
    /// Collects the tools of a request. Names of the client win over names of the server.
    ///
    /// Errors: 400 `unsupported_value` for a tool that nothing here can run.
    pub fn new(tools: &[Tool], behind: &Behind) -> Result<Self, ApiError> {
        let mut builder = Builder::default();
        for tool in tools {
            builder.client(tool);
        }
        for (index, tool) in tools.iter().enumerate() {
            match tool {
                Tool::Hosted(hosted) => builder.hosted(index, hosted, &behind.builtins)?,
                Tool::Mcp(mcp) => builder.connect(index, mcp, &behind.remotes)?,
                Tool::Function(_) | Tool::Custom(_) => {}
            }
        }
        let Builder { entries, offered, servers } = builder;
        let inner = Inner { entries, offered: Arc::new(offered), servers };
        Ok(Self { inner: Arc::new(inner), listed: BTreeMap::new() })
    }

    /// What the model may call from the start.
    pub fn offered(&self) -> Arc<Vec<ModelTool>> {
        Arc::clone(&self.inner.offered)
    }

    /// The names that tools of one hosted type have for the model, such as those of `think`.
    pub fn named(&self, kind: &str) -> Vec<String> {
        self.chosen(kind, |_| true)
    }

    /// Those of them with which a turn begins that must begin with the type.
    pub fn entries(&self, kind: &str) -> Vec<String> {
        self.chosen(kind, |one| one.is_entry())
    }

    fn chosen(&self, kind: &str, is_wanted: impl Fn(&dyn Executor) -> bool) -> Vec<String> {
        let kind = if web_search::is_meant(kind) { web_search::FAMILY } else { kind };
        let fits = |entry: &Entry| {
            entry.executor.as_deref().is_some_and(|one| one.label() == kind && is_wanted(one))
        };
        self.inner.entries.iter().filter(|(_, entry)| fits(entry)).map(|(name, _)| name.clone()).collect()
    }

    /// The MCP servers, in the order of the request.
    pub fn servers(&self) -> Vec<Server> {
        let server = |one: &Connected| Server {
            label: one.tool.server_label.clone(),
            is_required: one.remote.is_required(),
        };
        self.inner.servers.iter().map(server).collect()
    }

    /// What the model is to read about the servers, one line each.
    pub fn descriptions(&self) -> Option<String> {
        let line = |one: &Connected| {
            let words = one.remote.description()?;
            Some(format!("About the tools of the MCP server {}: {words}", one.tool.server_label))
        };
        let lines: Vec<String> = self.inner.servers.iter().filter_map(line).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// Asks a server for its tools.
    pub async fn list(&self, server_label: &str) -> ListOutcome {
        match self.inner.server(server_label) {
            Some(server) => server.remote.list().await,
            None => ListOutcome::Failed(not_there(server_label)),
        }
    }

    /// Runs a call of a server tool.
    pub async fn execute(&self, tool: &ServerTool, call: &ToolCall, progress: &Reporter) -> ToolOutcome {
        if let ServerTool::Mcp { server_label, name } = tool {
            return match self.inner.server(server_label) {
                Some(server) => server.remote.call(name, call, progress).await,
                None => ToolOutcome::mcp_failure(not_there(server_label)),
            };
        }
        match self.inner.executor(&call.name) {
            Some(executor) => executor.execute(call, progress).await,
            None => ToolOutcome::failure(format!("There is no tool named {}.", call.name)),
        }
    }

    /// The kind of a server tool, for metrics and logs.
    pub fn label(&self, tool: &ServerTool, name: &str) -> &'static str {
        if matches!(tool, ServerTool::Mcp { .. }) {
            return "mcp";
        }
        self.inner.executor(name).map_or("_other", |executor| executor.label())
    }
}

impl Inner {
    fn executor(&self, name: &str) -> Option<&Arc<dyn Executor>> {
        self.entries.get(name)?.executor.as_ref()
    }

    fn server(&self, label: &str) -> Option<&Connected> {
        self.servers.iter().find(|server| server.tool.server_label == label)
    }
}

impl Ownership for Toolbox {
    fn owner(&self, name: &str) -> Owner {
        match self.inner.entries.get(name) {
            Some(entry) => entry.owner.clone(),
            None => Owner::Nobody(format!("There is no tool named {name}.")),
        }
    }

    fn listed(&mut self, server_label: &str, listing: &Listing) -> Vec<ListedTool> {
        let Some(server) = self.inner.server(server_label) else { return Vec::new() };
        let mut offered = Vec::new();
        for tool in listing.tools.iter().filter(|tool| server.remote.allows(tool, listing.origin)) {
            let is_read_only = server.remote.is_read_only(tool, listing.origin);
            if server.tool.allows(&tool.name, is_read_only) {
                self.listed.insert((server_label.to_owned(), tool.name.clone()), is_read_only);
                offered.push(tool.clone());
            }
        }
        offered
    }

    fn decide(&self, tool: &ServerTool, call: &ToolCall) -> Decision {
        let ServerTool::Mcp { server_label, name } = tool else {
            return self.inner.executor(&call.name).map_or(Decision::Run, |executor| executor.decide(call));
        };
        let listed = self.listed.get(&(server_label.clone(), name.clone()));
        let (Some(server), Some(is_read_only)) = (self.inner.server(server_label), listed) else {
            return Decision::Denied(format!("There is no tool named {name}."));
        };
        server.remote.decide(name, call, server.tool.require_approval.needs(name, *is_read_only))
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
            Tool::Hosted(_) | Tool::Mcp(_) => {}
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

    fn hosted(&mut self, index: usize, tool: &HostedTool, builtins: &Builtins) -> Result<(), ApiError> {
        if tool.kind == "namespace" {
            return Ok(());
        }
        let Some(builtin) = builtins.get(&tool.kind) else {
            let message = unavailable(&tool.kind);
            return Err(ApiError::unsupported_value(&format!("tools[{index}].type"), message));
        };
        builtin.offer(tool, &format!("tools[{index}]"))?.into_iter().for_each(|offer| self.serve(offer));
        Ok(())
    }

    fn connect(&mut self, index: usize, tool: &McpTool, remotes: &Remotes) -> Result<(), ApiError> {
        let Some(remote) = remotes.get(&tool.server_label) else {
            let message = "The tool type 'mcp' is not available on this server.";
            return Err(ApiError::unsupported_value(&format!("tools[{index}].type"), message));
        };
        self.servers.push(Connected { tool: tool.clone(), remote: Arc::clone(remote) });
        Ok(())
    }

    fn add(&mut self, model: ModelTool, client: ClientTool) {
        let entry = Entry { owner: Owner::Client(client), executor: None };
        if self.entries.insert(model.name.clone(), entry).is_none() {
            self.offered.push(model);
        }
    }

    fn serve(&mut self, offer: Offer) {
        let Offer { model, tool, executor } = offer;
        if self.entries.contains_key(&model.name) {
            return;
        }
        let entry = Entry { owner: Owner::Server(tool), executor: Some(executor) };
        self.entries.insert(model.name.clone(), entry);
        self.offered.push(model);
    }
}

fn text(fields: &Object, key: &str) -> Option<String> {
    fields.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// Says that nothing here runs a tool, and which setting of the gateway would.
fn unavailable(kind: &str) -> String {
    let setting = match kind {
        "image_generation" => "imageGeneration",
        "code_interpreter" => "codeInterpreter",
        _ if web_search::is_meant(kind) => "webSearch",
        _ => return format!("The tool type '{kind}' is not available on this server."),
    };
    format!(
        "The tool type '{kind}' is not available on this server: it needs spec.tools.{setting} of the ResponsesGateway."
    )
}

fn not_there(server_label: &str) -> McpError {
    McpError::Http { code: 404, message: format!("There is no server with the label {server_label} here.") }
}

#[cfg(test)]
mod tests;
