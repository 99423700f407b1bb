//! `web_search`: asks a search engine, opens pages, and looks for text in them.
//!
//! Whatever comes from the web is hostile by assumption: it is bounded in time and size, and the model reads it as what others
//! wrote. A URL that the model names is dialled under the rules for URLs of callers, and so is each address that it redirects to.

mod domains;
mod engine;
mod find;
mod functions;
mod html;
mod page;
mod session;
mod settings;
mod told;
mod web;

use std::sync::Arc;

use protocol::error::{ApiError, SERVER_ERROR};
use protocol::responses::tool::HostedTool;

use crate::builtin::{Builtin, Offer};
use session::Session;
use settings::Settings;

pub(crate) use settings::filtered;

pub use domains::Domains;
pub use engine::{Brave, Found, Search, SearchEngine, Searxng, Tavily};
pub use settings::Location;
pub use web::Web;

/// The types of the tool, as requests write them, and its kind for metrics and logs.
pub const FAMILY: &str = "web_search";

/// Whether requests mean this tool by `kind`.
pub fn is_meant(kind: &str) -> bool {
    kind == FAMILY || kind.strip_prefix(FAMILY).is_some_and(|rest| rest.starts_with('_'))
}

/// The tool, as all requests to a gateway share it.
#[derive(Clone)]
pub struct WebSearch {
    /// What finds pages.
    pub engine: Arc<dyn SearchEngine>,
    /// The ways out.
    pub web: Arc<Web>,
}

/// The tool where it is set up and cannot be used: its key is missing, or the process may not go to its engine.
#[derive(Clone, Copy, Debug)]
pub struct Unavailable;

impl Builtin for Unavailable {
    fn offer(&self, _tool: &HostedTool, param: &str) -> Result<Vec<Offer>, ApiError> {
        let message = "Web search is not available at the moment: its search engine cannot be used.";
        Err(ApiError::new(503, SERVER_ERROR, message).with_param(param))
    }
}

impl Builtin for WebSearch {
    fn offer(&self, tool: &HostedTool, param: &str) -> Result<Vec<Offer>, ApiError> {
        let session = Arc::new(Session::new(self.clone(), Settings::of(tool, param)?));
        Ok(functions::offers(tool, &session))
    }
}
