//! Whether a run may go on. It keeps the configuration that it began with, but for what was taken away since.

use std::sync::Arc;
use std::time::Duration;

use agent::model::{Failure, ModelError};
use agent::tool::{ServerTool, ToolOutcome};
use config::spec::MappedTool;
use crds::model_provider::Consent;
use http::HeaderMap;
use protocol::error::ApiError;
use protocol::responses::mcp::McpError;
use tokio::time::timeout;

use crate::app::{App, Request};
use crate::auth::{self, Caller};
use crate::live::build::Runtime;

/// How long the keys of an issuer are waited for: nothing else of the run goes on meanwhile.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a run was let in with.
pub struct Standing {
    app: Arc<App>,
    runtime: Arc<Runtime>,
    headers: Arc<HeaderMap>,
    caller: Caller,
    model: String,
}

impl Standing {
    /// Keeps what a request for a model was let in with.
    pub fn new(app: &Arc<App>, request: &Request, model: &str) -> Self {
        Self {
            app: Arc::clone(app),
            runtime: Arc::clone(&request.runtime),
            headers: Arc::clone(&request.headers),
            caller: request.caller.clone(),
            model: model.to_owned(),
        }
    }

    /// Asked before each call of a model and of a tool. As long as nothing changed it costs nothing.
    ///
    /// Errors: the credential, the tenant or the model is no longer what a new request would be let in with. A model whose
    /// provider has trouble is none of it: the run keeps its own.
    pub async fn check(&self) -> Result<(), ModelError> {
        let now = self.app.live.load();
        if Arc::ptr_eq(&now, &self.runtime) {
            return Ok(());
        }
        let admitted = Box::pin(self.admitted_by(&now)).await;
        admitted.map_err(|error| ModelError { error, cause: Failure::Unsupported })
    }

    async fn admitted_by(&self, now: &Runtime) -> Result<(), ApiError> {
        let admitted = timeout(PATIENCE, now.gate.admit_still(&self.headers, &self.app.clock)).await;
        // An issuer that cannot be reached has taken nothing away, nor has a provider in trouble.
        let Ok(admitted) = admitted else { return Ok(()) };
        let resolved = admitted.and_then(|caller| {
            if caller.tenant != self.caller.tenant {
                return Err(auth::invalid());
            }
            now.resolve(&self.model, &self.headers, &caller).map(drop)
        });
        resolved.or_else(|error| if matches!(error.status, 401 | 403 | 404) { Err(error) } else { Ok(()) })
    }

    /// What a call comes to whose tool is no longer there for the caller.
    pub fn lost(&self, tool: &ServerTool) -> Option<ToolOutcome> {
        if let ServerTool::Mcp { server_label, .. } = tool {
            return self.lost_server(server_label).map(ToolOutcome::mcp_failure);
        }
        let now = self.app.live.load();
        let is_there = Arc::ptr_eq(&now, &self.runtime) || self.is_served(tool, &now);
        (!is_there).then(|| ToolOutcome::failure("The tool is no longer available."))
    }

    fn is_served(&self, tool: &ServerTool, now: &Runtime) -> bool {
        let runs = |mapped: &MappedTool, then: Option<&MappedTool>| {
            then.is_some_and(|then| then.server == mapped.server) && now.server_of(&mapped.server).is_some()
        };
        match (tool, self.runtime.code_interpreter(), self.runtime.mapped_search()) {
            (ServerTool::CodeInterpreter, Some(mapped), _) => runs(mapped, now.code_interpreter()),
            (ServerTool::WebSearch, _, Some(mapped)) => runs(mapped, now.mapped_search()),
            (ServerTool::WebSearch, _, None) => now.web_search().is_some(),
            (ServerTool::ImageGeneration, _, _) => now.makes_images(),
            (ServerTool::Think | ServerTool::FileSearch | ServerTool::Mcp { .. }, _, _)
            | (ServerTool::CodeInterpreter, None, _) => true,
        }
    }

    /// Why a server is no longer there for the caller: the one that is meant is not offered, or none may be brought.
    pub fn lost_server(&self, label: &str) -> Option<McpError> {
        let now = self.app.live.load();
        if Arc::ptr_eq(&now, &self.runtime) {
            return None;
        }
        let view = now.gate.view(Some(self.caller.tenant.as_str()));
        let is_there = view.is_some_and(|view| match self.runtime.server(label, &self.caller.view) {
            Some(meant) => now.server(label, view).is_some_and(|other| other.terms.id == meant.terms.id),
            None => view.caller_urls.mcp_servers == Some(Consent::Allow),
        });
        let message = format!("The MCP server {label} is no longer offered.");
        (!is_there).then_some(McpError::Http { code: 404, message })
    }
}
