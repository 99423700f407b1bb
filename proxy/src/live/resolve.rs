//! A model name → where it is served and with whose credential. Pure over the [`Runtime`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use config::spec::{
    CallerCredentials, Capabilities, Credential as Key, Defaults, ModelType, OpenAiSpec, Protocol,
    ProviderSpec, Timeouts, Tls, WireApi,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use protocol::destination::Denied;
use protocol::error::{ApiError, INVALID_REQUEST, SERVER_ERROR};
use providers::{Credential, Retry, Target, Targets};

use crate::auth::view::View;
use crate::auth::{self, Caller};
use crate::egress;
use crate::live::build::{Provider, PublicModel, Runtime};

/// Where a model is served.
#[derive(Clone)]
pub struct Resolution {
    pub targets: Arc<Targets>,
    /// The caller's own key for the provider, where the provider consents.
    pub credential: Option<Credential>,
    pub capabilities: Capabilities,
    pub defaults: Defaults,
    pub kind: Option<ModelType>,
    /// The configured name, for metrics and logs; `_other` where the configuration names none.
    pub label: String,
    /// The provider's name, for logs.
    pub provider: String,
}

/// The caller's bearer token and the provider that it names beside the model.
struct Asked<'a> {
    bearer: Option<&'a str>,
    key: Option<&'a str>,
    provider: Option<&'a str>,
}

/// Upstreams of `url@model` that are kept.
const URLS: usize = 64;

impl Runtime {
    /// Finds a model: a Model or alias; else `provider@model`, or the provider of the header; else the provider that
    /// takes names without one; else nothing.
    ///
    /// Errors: 404 `model_not_found`, before any credential leaves; 401 where the provider wants the caller's key;
    /// 403 where the process may not go; 503 where no target can be used.
    pub fn resolve(&self, name: &str, headers: &HeaderMap, caller: &Caller) -> Result<Resolution, ApiError> {
        let (asked, view) = (Asked::of(headers, caller), caller.view.as_ref());
        let is_lost = asked.provider.is_some_and(|provider| self.provider(provider, view).is_none());
        if is_lost && !name.contains('@') {
            return Err(ApiError::model_not_found(name));
        }
        let model = self.model(name, view);
        if !may_use(name, model, view) {
            return Err(if model.is_some() { forbidden(name) } else { ApiError::model_not_found(name) });
        }
        if let Some(model) = model {
            return declared(model, &asked);
        }
        let (provider, model) = match name.split_once('@') {
            Some((url, model)) if self.reaches.url_models && url.contains("://") => {
                (self.at_url(url)?, model)
            }
            Some((provider, model)) => (self.provider(provider, view).cloned(), model),
            None => match asked.provider {
                Some(provider) => (self.provider(provider, view).cloned(), name),
                None => (self.fallback.clone(), name),
            },
        };
        match provider.filter(|_| !model.is_empty()) {
            Some(provider) => direct(&provider, model, &asked),
            None => Err(ApiError::model_not_found(name)),
        }
    }

    /// An upstream that the caller names by URL. Connections are kept for the next request.
    fn at_url(&self, url: &str) -> Result<Option<Arc<Provider>>, ApiError> {
        egress::caller_url(url, self.reaches.loopback).map_err(denied)?;
        if let Some(known) = self.at_urls.lock().get(url) {
            return Ok(Some(Arc::clone(known)));
        }
        let made = Provider::new(url_spec(url), None, self.reaches).map_err(|_| ApiError::internal())?;
        let (made, mut kept) = (Arc::new(made), self.at_urls.lock());
        if kept.len() >= URLS {
            kept.clear();
        }
        kept.insert(url.to_owned(), Arc::clone(&made));
        Ok(Some(made))
    }
}

impl Resolution {
    /// Refuses a model of another type; a name that the configuration does not know may be of any.
    ///
    /// Errors: 400 `unsupported_value`.
    pub fn expect(&self, kind: ModelType) -> Result<(), ApiError> {
        if self.kind.is_none_or(|own| own == kind) {
            return Ok(());
        }
        let what = match kind {
            ModelType::Chat => "generate text",
            ModelType::Embedding => "make embeddings",
            ModelType::Image => "make images",
        };
        let message = format!("The model '{}' does not {what}.", self.label);
        Err(ApiError::unsupported_value("model", message))
    }
}

impl<'a> Asked<'a> {
    /// The bearer token counts only where it is not the gateway's own.
    fn of(headers: &'a HeaderMap, caller: &Caller) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = auth::bearer(headers).filter(|_| caller.brings_own_key);
        Self { bearer, key: text("x-model-provider-key"), provider: text("x-model-provider") }
    }

    /// The caller's key where the provider consents to it and it travels safely; checks that the provider can be called.
    fn credential(&self, provider: &Provider) -> Result<Option<Credential>, ApiError> {
        if let Some(reason) = provider.denied {
            return Err(denied(reason));
        }
        let own = match provider.spec.caller_credentials {
            CallerCredentials::Deny => None,
            CallerCredentials::Allow | CallerCredentials::Require => {
                self.key.or(self.bearer).filter(|_| provider.guards_credentials)
            }
        };
        match (own, provider.spec.caller_credentials) {
            (Some(own), _) => bearer(own).map(Some).ok_or_else(unauthorized),
            (None, CallerCredentials::Require) => Err(unauthorized()),
            (None, _) if provider.spec.credential == Key::Missing => {
                let message = "The credential for this model's provider is missing on the server.";
                Err(ApiError::new(503, SERVER_ERROR, message))
            }
            (None, _) => Ok(None),
        }
    }
}

/// `authorization: Bearer …`, or `None` for a token that no header can hold.
pub fn bearer(token: &str) -> Option<Credential> {
    let value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    Some(Credential::new(header::AUTHORIZATION, value))
}

/// A credential in a header of the provider's own.
pub fn keyed(name: &str, token: &str) -> Option<Credential> {
    let value = HeaderValue::from_str(token).ok()?;
    Some(Credential::new(HeaderName::from_bytes(name.as_bytes()).ok()?, value))
}

/// True if the lists of the tenant let both the name that the caller sends and the model that it stands for through.
pub(super) fn may_use(name: &str, model: Option<&Arc<PublicModel>>, view: &View) -> bool {
    let stands_for = model.map_or(name, |model| &model.name);
    view.may_use(name) && (stands_for == name || !view.denies(stands_for))
}

fn declared(model: &Arc<PublicModel>, asked: &Asked<'_>) -> Result<Resolution, ApiError> {
    if !model.is_usable {
        let message = format!("The model '{}' has no target that can be used at the moment.", model.name);
        return Err(ApiError::new(503, SERVER_ERROR, message));
    }
    let credential = match &model.only_provider {
        Some(provider) => asked.credential(provider)?,
        None => None, // a caller's key never goes to a provider that the caller did not mean
    };
    Ok(Resolution {
        targets: Arc::clone(&model.targets),
        credential,
        capabilities: model.capabilities,
        defaults: model.defaults.clone(),
        kind: Some(model.kind),
        label: model.name.clone(),
        provider: model.provider.clone(),
    })
}

fn direct(provider: &Arc<Provider>, model: &str, asked: &Asked<'_>) -> Result<Resolution, ApiError> {
    let credential = asked.credential(provider)?;
    let target =
        Target { upstream: Arc::clone(&provider.upstream), model: model.to_owned(), priority: 0, weight: 1 };
    Ok(Resolution {
        targets: Arc::new(Targets::new(vec![target], Retry::default())),
        credential,
        capabilities: Capabilities::default(),
        defaults: Defaults::default(),
        kind: None,
        label: "_other".to_owned(),
        provider: provider.spec.name.clone(),
    })
}

/// What a caller says by naming a URL: Chat Completions, and its own key or none.
fn url_spec(url: &str) -> ProviderSpec {
    ProviderSpec {
        namespace: String::new(),
        name: "url".to_owned(),
        protocol: Protocol::OpenAi(OpenAiSpec {
            api: WireApi::ChatCompletions,
            organization: None,
            project: None,
        }),
        base_url: url.trim_end_matches('/').to_owned(),
        direct_names: BTreeSet::new(),
        credential: Key::None,
        caller_credentials: CallerCredentials::Allow,
        allow_plaintext_credentials: false,
        headers: BTreeMap::new(),
        allow_private_endpoint: false,
        tls: Tls::default(),
        timeouts: Timeouts {
            connect_ms: 2_000,
            first_byte_ms: 120_000,
            stream_idle_ms: 60_000,
            total_ms: 600_000,
        },
        retry_budget_percent: 20,
    }
}

pub(super) fn denied(reason: Denied) -> ApiError {
    tracing::warn!(target: "audit", %reason, "A destination was refused");
    let hint = "The server may not connect to the address of this model's provider.";
    ApiError::new(403, INVALID_REQUEST, format!("egress denied: {hint}")).with_code("egress_denied")
}

fn forbidden(name: &str) -> ApiError {
    let message = format!("You have insufficient permissions for the model '{name}'.");
    ApiError::new(403, INVALID_REQUEST, message).with_code("insufficient_permissions").with_param("model")
}

pub(super) fn unauthorized() -> ApiError {
    let message = "This model needs your own API key for its provider, as a bearer token.";
    ApiError::new(401, INVALID_REQUEST, message).with_code("invalid_api_key")
}
