//! What the gateway says of built-in tools that other objects serve: image models and tools of MCP servers.

use std::collections::BTreeMap;
use std::sync::Arc;

use config::spec::{CallerCredentials, Credential as Key, MappedTool, ModelType, WebSearch};
use config::{EntryId, Snapshot};
use protocol::error::{ApiError, SERVER_ERROR};

use crate::auth::view::View;
use crate::live::build::{PublicModel, Runtime};
use crate::live::resolve::{self, Resolution, may_use};

/// What built-in tools use.
#[derive(Default)]
pub(super) struct Builtins {
    image_model: Option<Arc<PublicModel>>,
    code_interpreter: Option<MappedTool>,
    web_search: Option<MappedTool>,
}

impl Builtins {
    /// Reads the gateway's entry; a model that is not there leaves its tool out.
    pub(super) fn of(snapshot: &Snapshot, models: &BTreeMap<EntryId, Arc<PublicModel>>) -> Self {
        let Some(gateway) = snapshot.gateway() else { return Self::default() };
        let web_search = match &gateway.web_search {
            Some(WebSearch::Mcp(mapped)) => Some(mapped.clone()),
            Some(WebSearch::Searxng { .. } | WebSearch::Brave(_) | WebSearch::Tavily(_)) | None => None,
        };
        let model = gateway.image_model.as_ref().and_then(|id| models.get(id));
        Self {
            image_model: model.filter(|model| model.kind == ModelType::Image).cloned(),
            code_interpreter: gateway.code_interpreter.as_deref().cloned(),
            web_search,
        }
    }
}

impl Runtime {
    /// Whether `image_generation` is available.
    pub fn makes_images(&self) -> bool {
        self.builtins.image_model.is_some()
    }

    /// What runs the code of `code_interpreter`.
    pub fn code_interpreter(&self) -> Option<&MappedTool> {
        self.builtins.code_interpreter.as_ref()
    }

    /// Whether `web_search` is available.
    pub fn searches_the_web(&self) -> bool {
        self.web_search().is_some() || self.mapped_search().is_some()
    }

    /// What searches the web, where that is a tool of an MCP server.
    pub fn mapped_search(&self) -> Option<&MappedTool> {
        self.builtins.web_search.as_ref()
    }

    /// Finds the image model that a tool names; one that names none, or what the gateway's model is called upstream, gets the
    /// gateway's. The caller's own key goes along where the model that answers has it too, and is at the same upstream.
    ///
    /// Errors: 400 with `param` for a name that is not known or no image model; 401, 403 and 503 as for other models.
    pub fn image_model(
        &self,
        name: Option<&str>,
        (answers, view): (&Resolution, &View),
        param: &str,
    ) -> Result<ImageModel, ApiError> {
        let usual = self.builtins.image_model.as_ref();
        let unknown = || {
            let message = format!("There is no image model '{}' here.", name.unwrap_or_default());
            ApiError::unsupported_value(param, message)
        };
        let model = match name {
            None => usual.ok_or_else(unknown)?,
            Some(name) => match usual.filter(|usual| is_called(usual, name)) {
                Some(usual) => usual,
                None => self.named_image_model(name, view).ok_or_else(unknown)?,
            },
        };
        let credential =
            answers.credential.clone().filter(|_| answers.targets.shares_upstream(&model.targets));
        if let Some(provider) = &model.only_provider {
            if let Some(reason) = provider.denied {
                return Err(resolve::denied(reason));
            }
            match (&credential, provider.spec.caller_credentials) {
                (None, CallerCredentials::Require) => return Err(resolve::unauthorized()),
                (None, _) if provider.spec.credential == Key::Missing => return Err(unusable(model)),
                (Some(_) | None, _) => {}
            }
        }
        if !model.is_usable {
            return Err(unusable(model));
        }
        let private =
            model.only_provider.as_ref().is_some_and(|provider| provider.spec.allow_private_endpoint);
        Ok(ImageModel { model: Arc::clone(model), credential, private })
    }

    fn named_image_model(&self, name: &str, view: &View) -> Option<&Arc<PublicModel>> {
        let model = self.model(name, view).filter(|model| model.kind == ModelType::Image)?;
        may_use(name, Some(model), view).then_some(model)
    }
}

/// An image model, and with what it is asked.
pub struct ImageModel {
    pub model: Arc<PublicModel>,
    pub credential: Option<providers::Credential>,
    /// Whether its provider may be private, and with it what the provider refers to.
    pub private: bool,
}

fn is_called(model: &PublicModel, name: &str) -> bool {
    model.name == name || model.targets.upstream_names().any(|upstream| upstream == name)
}

fn unusable(model: &PublicModel) -> ApiError {
    let message = format!("The image model '{}' has no target that can be used at the moment.", model.name);
    ApiError::new(503, SERVER_ERROR, message)
}
