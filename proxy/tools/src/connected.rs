//! An MCP server as one request reaches it: the client's pool, under the policies that hold for the caller.

use std::collections::BTreeMap;
use std::sync::Arc;

use agent::tool::{Decision, ListOutcome, Origin, ToolCall, ToolOutcome};
use async_trait::async_trait;
use parking_lot::Mutex;
use protocol::Object;
use protocol::responses::mcp::{ListedTool, McpError};
use serde_json::Value;

use crate::governed::{Context, LIMITED};
use crate::mcp::{self, Catalog, Failure, Reason};
use crate::policy::{Exceeded, Hints, ResultRules, Ruling, Server, Tool, ToolKind};
use crate::progress::Reporter;
use crate::remote::Remote;

/// What the configuration says of a server's tools beside its terms.
#[derive(Clone, Debug, Default)]
pub struct Presentation {
    /// Descriptions in the place of the server's, by name.
    pub descriptions: BTreeMap<String, String>,
    /// What tools must be like, by name.
    pub pins: BTreeMap<String, String>,
    /// Whether tools that are not as their pins say are left out, or only told of.
    pub pins_are_enforced: bool,
}

/// The calls that a server is sent in a second by this process.
#[derive(Debug)]
pub struct Pace {
    most: u32,
    /// The second, and the calls in it.
    window: Mutex<(u64, u32)>,
}

/// What came of a call, with what the words for the model leave out.
pub struct Performed {
    /// As an `mcp_call` tells it.
    pub outcome: ToolOutcome,
    /// The texts alone.
    pub said: String,
    /// The images.
    pub images: Vec<mcp::Image>,
}

/// A server as one request reaches it.
pub struct Connected {
    /// What all tools of the request share.
    pub context: Context,
    /// The connections of the process.
    pub pool: mcp::Pool,
    /// Where it is, with the credentials of this request; `None` where it cannot be used: of its credential a part is
    /// missing, or the process may not go there.
    pub server: Option<Arc<mcp::Server>>,
    /// Its terms.
    pub terms: Arc<Server>,
    /// How fast it is called; `None` is not bounded.
    pub pace: Option<Arc<Pace>>,
    /// How its tools are shown.
    pub presentation: Arc<Presentation>,
    /// Whether the response fails without its tools.
    pub is_required: bool,
    /// What the model reads about it.
    pub description: Option<String>,
    /// The longest result that the model sees.
    pub result_bytes: usize,
    /// What is said of its tools, by name.
    pub hints: Mutex<BTreeMap<String, Hints>>,
}

impl Pace {
    /// Lets `most` calls begin in a second.
    pub fn new(most: u32) -> Self {
        Self { most, window: Mutex::new((0, 0)) }
    }

    /// True if a call may begin at `now`, in seconds; then it is counted.
    pub fn take(&self, now: u64) -> bool {
        let mut window = self.window.lock();
        if window.0 != now {
            *window = (now, 0);
        }
        let is_free = window.1 < self.most;
        window.1 += u32::from(is_free);
        is_free
    }
}

impl Connected {
    fn tool<'a>(&'a self, name: &'a str, hints: Hints) -> Tool<'a> {
        Tool { kind: ToolKind::Mcp, name, server: Some(&self.terms), hints }
    }

    /// Of a list that a caller may have written nothing is believed, unless the server is the caller's own.
    fn said(&self, tool: &ListedTool, origin: Origin) -> Hints {
        match origin {
            Origin::Context if self.terms.id.is_some() => Hints::default(),
            Origin::Server | Origin::Context => hints(tool.annotations.as_ref()),
        }
    }

    fn hints_of(&self, name: &str) -> Hints {
        self.hints.lock().get(name).copied().unwrap_or_default()
    }

    fn rule(&self, name: &str, call: &ToolCall, asked: bool) -> Ruling {
        self.context.rule(self.tool(name, self.hints_of(name)), call, asked)
    }

    /// Counts a call that is about to run.
    fn count(&self, ruling: &Ruling) -> Result<(), Exceeded> {
        if self.pace.as_ref().is_some_and(|pace| !pace.take(self.context.now())) {
            return Err(Exceeded { rule: "server".to_owned() });
        }
        self.context.count(ruling)
    }

    /// The tools as the caller may see them.
    fn listed(&self, catalog: &Catalog) -> Vec<ListedTool> {
        let shown = |tool: &mcp::Tool| {
            if !self.is_as_pinned(tool) {
                return None;
            }
            let mut listed: ListedTool = serde_json::from_value(Value::Object(tool.to_listed())).ok()?;
            if let Some(description) = self.presentation.descriptions.get(&tool.name) {
                listed.description = Some(description.clone());
            }
            let tool = self.tool(&listed.name, hints(listed.annotations.as_ref()));
            self.context.may_offer(&tool).then_some(listed)
        };
        catalog.tools.iter().filter_map(shown).collect()
    }

    /// Whether a tool may be used as it is at its server. Where pins are enforced, one without a pin may not.
    fn is_as_pinned(&self, tool: &mcp::Tool) -> bool {
        let Presentation { pins, pins_are_enforced, .. } = self.presentation.as_ref();
        match pins.get(&tool.name) {
            Some(pin) if *pin == tool.digest => true,
            None => !pins_are_enforced,
            Some(pin) => {
                let (server, tool, digest) = (&self.terms.label, &tool.name, &tool.digest);
                tracing::warn!(server, tool, %pin, digest, "A tool is not as its pin says");
                !pins_are_enforced
            }
        }
    }

    /// Whether the caller may use a tool that was not listed: nothing is known of it.
    pub(crate) fn may_offer(&self, tool: &str) -> bool {
        self.context.may_offer(&self.tool(tool, self.hints_of(tool)))
    }

    /// What the rules say of a call that the request wants no approval of.
    pub(crate) fn verdict(&self, tool: &str, call: &ToolCall) -> Decision {
        self.context.verdict(&self.rule(tool, call, false))
    }

    /// Runs a call whose start was decided, within its limits.
    pub(crate) async fn perform(&self, tool: &str, call: &ToolCall) -> Performed {
        // Whether it may run was decided; denials, limits and what is passed on of the result are as they are now.
        let ruling = self.rule(tool, call, false);
        if let Some(why) = self.context.withdrawn(&ruling) {
            return denied(&why).into();
        }
        if let Err(exceeded) = self.count(&ruling) {
            self.context.audit(&ruling, Some(&exceeded.rule), "limited");
            return denied(LIMITED).into();
        }
        let arguments = match serde_json::from_str(&call.arguments) {
            Ok(Value::Object(arguments)) => arguments,
            Ok(_) | Err(_) if call.arguments.trim().is_empty() => Object::new(),
            Ok(_) | Err(_) => return denied("The arguments are not a JSON object.").into(),
        };
        self.context.audit(&ruling, ruling.audit.rule.as_deref(), "started");
        let called = self.run(tool, arguments).await;
        if self.taints(tool) {
            self.context.taint();
        }
        let rules = ruling.result.within(self.result_bytes);
        match called {
            Ok(mcp::Outcome { output, said, images }) => {
                let said = said.map(|said| rules.apply(said));
                let outcome = ToolOutcome::text(rules.apply(output));
                Performed { said: said.unwrap_or_else(|| outcome.output.clone()), outcome, images }
            }
            Err(failure) => failed(failure, &rules).into(),
        }
    }

    fn server(&self) -> Result<&mcp::Server, Failure> {
        self.server.as_deref().ok_or_else(|| Reason::Unreachable.into())
    }

    async fn catalog(&self) -> Result<Arc<Catalog>, Failure> {
        self.pool.list(&self.context.tenant, self.server()?).await
    }

    /// Content of tools that may reach out is vouched for by nobody; a server that is not trusted cannot say that its do not.
    fn taints(&self, tool: &str) -> bool {
        !(self.terms.trusted && self.hints_of(tool).open_world == Some(false))
    }

    async fn run(&self, tool: &str, arguments: Object) -> Result<mcp::Outcome, Failure> {
        if !self.is_pinned_still(tool).await? {
            let (content, told) = (Value::Array(Vec::new()), "The tool is not as its pin says.".to_owned());
            return Err(Failure::Execution { content, told });
        }
        let trace = self.context.trace.clone();
        let call = mcp::Call { tool: tool.to_owned(), arguments, trace, progress: None };
        self.pool.call(&self.context.tenant, self.server()?, &call).await
    }

    /// A list from the context may be old, or written by the caller: where pins are enforced, the server is asked.
    async fn is_pinned_still(&self, name: &str) -> Result<bool, Failure> {
        if !self.presentation.pins_are_enforced {
            return Ok(true);
        }
        let catalog = self.catalog().await?;
        Ok(catalog.tools.iter().any(|tool| tool.name == name && self.is_as_pinned(tool)))
    }
}

#[async_trait]
impl Remote for Connected {
    fn is_required(&self) -> bool {
        self.is_required
    }

    fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    fn allows(&self, tool: &ListedTool, origin: Origin) -> bool {
        let hints = self.said(tool, origin);
        self.hints.lock().insert(tool.name.clone(), hints);
        self.context.may_offer(&self.tool(&tool.name, hints))
    }

    fn is_read_only(&self, tool: &ListedTool, origin: Origin) -> bool {
        let is_believed = self.terms.trusted || self.terms.id.is_none();
        is_believed && self.said(tool, origin).read_only == Some(true)
    }

    fn decide(&self, tool: &str, call: &ToolCall, asked: bool) -> Decision {
        self.context.verdict(&self.rule(tool, call, asked))
    }

    async fn list(&self) -> ListOutcome {
        match self.catalog().await {
            Ok(catalog) => ListOutcome::Listed(self.listed(&catalog)),
            Err(failure) => {
                let error = &failure as &dyn std::error::Error;
                tracing::warn!(
                    server = self.terms.label,
                    error,
                    "The tools of an MCP server cannot be listed"
                );
                ListOutcome::Failed(failure.into())
            }
        }
    }

    async fn call(&self, tool: &str, call: &ToolCall, _: &Reporter) -> ToolOutcome {
        self.perform(tool, call).await.outcome
    }
}

impl From<ToolOutcome> for Performed {
    fn from(outcome: ToolOutcome) -> Self {
        Self { said: outcome.output.clone(), outcome, images: Vec::new() }
    }
}

/// What the model is told of a failure, and the client sees.
fn failed(failure: Failure, rules: &ResultRules) -> ToolOutcome {
    ToolOutcome::mcp_failure(match failure {
        Failure::Execution { content, told } => {
            let passed = rules.apply(told.clone());
            if passed == told { McpError::Execution { content } } else { McpError::execution(&passed) }
        }
        Failure::Protocol { code, message } => McpError::Protocol { code, message: rules.apply(message) },
        failure @ Failure::Http { .. } => failure.into(),
    })
}

fn denied(why: &str) -> ToolOutcome {
    ToolOutcome::mcp_failure(McpError::execution(why))
}

/// What a server says of a tool.
fn hints(annotations: Option<&Value>) -> Hints {
    let hint = |name: &str| annotations.and_then(|all| all.get(name)).and_then(Value::as_bool);
    Hints {
        read_only: hint("readOnlyHint"),
        destructive: hint("destructiveHint"),
        idempotent: hint("idempotentHint"),
        open_world: hint("openWorldHint"),
    }
}

#[cfg(test)]
pub(crate) mod tests;
