//! Whether a run may go on. It keeps the configuration that it began with, but for what was taken away since.

use std::sync::Arc;

use agent::model::{Failure, ModelError};
use http::HeaderMap;
use protocol::error::ApiError;
use protocol::responses::mcp::McpError;

use crate::app::{App, Request};
use crate::auth::{self, Caller};
use crate::live::build::Runtime;

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
        let admitted = now.gate.admit_still(&self.headers, &self.app.clock).await;
        let resolved = admitted.and_then(|caller| {
            if caller.tenant != self.caller.tenant {
                return Err(auth::invalid());
            }
            now.resolve(&self.model, &self.headers, &caller).map(drop)
        });
        // An issuer that cannot be reached has taken nothing away, nor has a provider in trouble.
        resolved.or_else(|error| if matches!(error.status, 401 | 403 | 404) { Err(error) } else { Ok(()) })
    }

    /// Why a server is no longer there for the caller. One that the request brought always is.
    pub fn lost(&self, label: &str) -> Option<McpError> {
        let now = self.app.live.load();
        if Arc::ptr_eq(&now, &self.runtime) || self.runtime.server(label, &self.caller.view).is_none() {
            return None;
        }
        let view = now.gate.view(Some(self.caller.tenant.as_str()));
        let is_there = view.is_some_and(|view| now.server(label, view).is_some());
        let message = format!("The MCP server {label} is no longer offered.");
        (!is_there).then_some(McpError::Http { code: 404, message })
    }
}
