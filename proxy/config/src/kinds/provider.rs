//! Compiles ModelProviders.

use std::collections::{BTreeMap, BTreeSet};

use crds::ModelProvider;
use crds::model_provider::{Api, ApiKey, Consent, Header, OnMissingSecret, OpenAi, ProviderType, Timeouts};
use crds::reference::ObjectRef;
use url::Url;

use super::{Claim, Resource, millis, tls};
use crate::compile::{Scope, View};
use crate::id::{ObjectId, SecretId};
use crate::spec::{self, Credential, OpenAiSpec, Placement, Protocol, ProviderSpec, Spec, WireApi};

impl Resource for ModelProvider {
    fn gateway_refs(&self) -> Option<&[ObjectRef]> {
        self.gateway_refs.as_deref()
    }

    fn claims(&self, id: &ObjectId, _: &View<'_>) -> Vec<Claim> {
        direct_names(self, id).into_iter().map(Claim::Name).collect()
    }

    fn admits(&self, own: &str, other: &str, labels: &BTreeMap<String, String>) -> bool {
        self.allowed_namespaces.clone().unwrap_or_default().admit(own, other, Some(labels))
    }

    fn secrets(&self, id: &ObjectId) -> Vec<ObjectId> {
        self.auth.iter().map(|auth| secret(&auth.api_key, id).holder).collect()
    }

    fn config_maps(&self, id: &ObjectId) -> Vec<ObjectId> {
        tls::config_maps(self.tls.as_ref(), id)
    }

    fn compile(&self, id: &ObjectId, scope: &mut Scope<'_>) -> Option<Spec> {
        Some(Spec::Provider(ProviderSpec {
            namespace: id.namespace.clone(),
            name: id.name.clone(),
            protocol: match self.kind {
                ProviderType::OpenAI => Protocol::OpenAi(openai(self.openai.as_ref(), &self.base_url)),
            },
            base_url: self.base_url.trim_end_matches('/').to_owned(),
            direct_names: direct_names(self, id),
            credential: credential(self, id, scope),
            caller_credentials: self.caller_credentials,
            allow_plaintext_credentials: self.allow_plaintext_credentials,
            headers: self.headers.iter().flatten().map(lower_cased).collect(),
            allow_private_endpoint: self.allow_private_endpoint,
            tls: tls::tls(self.tls.as_ref(), id, scope),
            timeouts: timeouts(&self.timeouts.clone().unwrap_or_default()),
            retry_budget_percent: u8::try_from(self.retry_budget_percent).unwrap_or_default(),
        }))
    }
}

/// Lists the names by which the provider may be called without a Model.
fn direct_names(provider: &ModelProvider, id: &ObjectId) -> BTreeSet<String> {
    match provider.direct_models {
        Consent::Deny => BTreeSet::new(),
        Consent::Allow => [&id.name].into_iter().chain(provider.aliases.iter().flatten()).cloned().collect(),
    }
}

/// Finds the provider's own key, or the last one known where that is allowed.
fn credential(provider: &ModelProvider, id: &ObjectId, scope: &mut Scope<'_>) -> Credential {
    let Some(auth) = &provider.auth else { return Credential::None };
    let secret = secret(&auth.api_key, id);
    let keep_last = provider.on_missing_secret == OnMissingSecret::KeepLastGood;
    match scope.secret((&secret, id), "spec.auth.apiKey.secretRef", keep_last) {
        Some(hash) => Credential::Key { secret, hash, placement: placement(&auth.api_key) },
        None => Credential::Missing,
    }
}

fn secret(key: &ApiKey, id: &ObjectId) -> SecretId {
    let reference = &key.secret_ref;
    let namespace = reference.namespace.as_ref().unwrap_or(&id.namespace);
    SecretId::new(namespace, &reference.name, &reference.key)
}

fn placement(key: &ApiKey) -> Placement {
    key.header.as_ref().map_or(Placement::Bearer, |header| Placement::Header(header.to_ascii_lowercase()))
}

fn lower_cased(header: &Header) -> (String, String) {
    (header.name.to_ascii_lowercase(), header.value.clone())
}

fn openai(settings: Option<&OpenAi>, base_url: &str) -> OpenAiSpec {
    let settings = settings.cloned().unwrap_or_default();
    let api = match settings.api {
        Api::Responses => WireApi::Responses,
        Api::ChatCompletions => WireApi::ChatCompletions,
        Api::Auto if is_openai(base_url) => WireApi::Responses,
        Api::Auto => WireApi::ChatCompletions,
    };
    OpenAiSpec { api, organization: settings.organization, project: settings.project }
}

fn is_openai(base_url: &str) -> bool {
    Url::parse(base_url).is_ok_and(|url| url.host_str() == Some("api.openai.com"))
}

fn timeouts(timeouts: &Timeouts) -> spec::Timeouts {
    spec::Timeouts {
        connect_ms: millis(&timeouts.connect),
        first_byte_ms: millis(&timeouts.first_byte),
        stream_idle_ms: millis(&timeouts.stream_idle),
        total_ms: millis(&timeouts.total),
    }
}
