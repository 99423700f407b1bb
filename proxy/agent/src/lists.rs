//! The tools of MCP servers: listed once in a chain, before the model is asked.

use protocol::error::ApiError;
use protocol::responses::event::{EventBody, Slot};
use protocol::responses::item::{Item, McpListTools};
use protocol::responses::mcp::{ListedTool, McpError};
use serde_json::Value;

use crate::emit::Emitter;
use crate::run::Effect;
use crate::tool::{ListOutcome, Listing, Origin, Server};

/// The family of errors of servers that a request names.
const CONNECTOR_ERROR: &str = "external_connector_error";

/// The most tools that are taken from a list in the context: a caller can write it.
const LONGEST: usize = 1_000;

/// The servers of a turn, in its order.
#[derive(Default)]
pub(crate) struct Lists(Vec<Entry>);

struct Entry {
    server: Server,
    state: State,
}

enum State {
    /// Not asked yet.
    Waiting,
    /// Asked.
    Open(Slot),
    Listed(Listing),
    Failed,
}

impl Lists {
    /// Takes over what the context holds; a list that failed there is asked for again.
    pub(crate) fn new<'a>(servers: Vec<Server>, context: &(impl Iterator<Item = &'a Item> + Clone)) -> Self {
        let entry = |server: Server| {
            let state = known(&server.label, context.clone()).map_or(State::Waiting, State::Listed);
            Entry { server, state }
        };
        Self(servers.into_iter().map(entry).collect())
    }

    /// Asks every server whose tools are not known.
    pub(crate) fn begin(&mut self, out: &mut Emitter) {
        let waiting = self.0.iter_mut().filter(|entry| matches!(entry.state, State::Waiting));
        for Entry { server, state } in waiting {
            let slot = out.add("mcpl_", |id| item(id, &server.label, Vec::new(), None));
            out.emit(event("response.mcp_list_tools.in_progress", &slot));
            out.push(Effect::ListTools(server.label.clone()));
            *state = State::Open(slot);
        }
    }

    /// Takes an answer. Late ones and those of unknown servers change nothing.
    ///
    /// Errors: what the response fails with, if the server is required and could not be listed.
    pub(crate) fn done(
        &mut self,
        out: &mut Emitter,
        label: &str,
        outcome: ListOutcome,
    ) -> Result<(), ApiError> {
        let Some(entry) = self.0.iter_mut().find(|entry| entry.server.label == label) else { return Ok(()) };
        let State::Open(slot) = &entry.state else { return Ok(()) };
        match outcome {
            ListOutcome::Listed(tools) => {
                out.emit(event("response.mcp_list_tools.completed", slot));
                let shown = tools.iter().filter_map(|tool| serde_json::to_value(tool).ok()).collect();
                out.done(slot, item(slot.item_id.clone(), label, shown, None));
                entry.state = State::Listed(Listing { tools, origin: Origin::Server });
                Ok(())
            }
            ListOutcome::Failed(error) => {
                let why = told(label, &error);
                entry.fail(out, why.clone());
                if entry.server.is_required { Err(failure(why)) } else { Ok(()) }
            }
        }
    }

    /// True if a server has not answered yet.
    pub(crate) fn is_pending(&self) -> bool {
        self.0.iter().any(|entry| matches!(entry.state, State::Open(_)))
    }

    /// Closes the items of servers that will not answer.
    pub(crate) fn give_up(&mut self, out: &mut Emitter) {
        for entry in &mut self.0 {
            entry.fail(out, "The list was given up before the server answered.".to_owned());
        }
    }

    /// What was listed, in the order of the turn.
    pub(crate) fn take(&mut self) -> Vec<(String, Listing)> {
        let listed = |entry: Entry| match entry.state {
            State::Listed(listing) => Some((entry.server.label, listing)),
            State::Waiting | State::Open(_) | State::Failed => None,
        };
        std::mem::take(&mut self.0).into_iter().filter_map(listed).collect()
    }
}

impl Entry {
    fn fail(&mut self, out: &mut Emitter, why: String) {
        let State::Open(slot) = &self.state else { return };
        out.emit(event("response.mcp_list_tools.failed", slot));
        out.done(slot, item(slot.item_id.clone(), &self.server.label, Vec::new(), Some(why)));
        self.state = State::Failed;
    }
}

/// The newest list of a server in the context. Entries that are no tools are left out.
fn known<'a>(label: &str, context: impl Iterator<Item = &'a Item>) -> Option<Listing> {
    let list = |item: &'a Item| {
        let Item::McpListTools(list) = item else { return None };
        (list.server_label == label && list.error.is_none()).then_some(list)
    };
    let list = context.filter_map(list).last()?;
    let tools = list.tools.iter().filter_map(|tool| serde_json::from_value::<ListedTool>(tool.clone()).ok());
    Some(Listing { tools: tools.take(LONGEST).collect(), origin: Origin::Context })
}

fn event(kind: &'static str, slot: &Slot) -> EventBody {
    EventBody::Progress(kind, slot.clone(), Vec::new())
}

fn item(id: String, label: &str, tools: Vec<Value>, error: Option<String>) -> Item {
    let (server_label, error) = (label.to_owned(), error.map(Value::String));
    Item::McpListTools(McpListTools { id, server_label, tools, error, ..McpListTools::default() })
}

/// Nothing of what the server wrote.
fn told(label: &str, error: &McpError) -> String {
    let why = match error {
        McpError::Http { code, message } => format!("Http status code: {code} ({message})"),
        McpError::Protocol { code, .. } => format!("The server answered with error {code}"),
        McpError::Execution { .. } => "The server answered with an error".to_owned(),
    };
    format!("Error retrieving tool list from MCP server: '{label}'. {why}")
}

fn failure(why: String) -> ApiError {
    ApiError::new(424, CONNECTOR_ERROR, why).with_code("http_error").with_param("tools")
}
