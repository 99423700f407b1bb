//! Compiles ModelProviders.

use crds::ModelProvider;
use crds::model_provider::{Api, ApiKey, Consent, Header, OnMissingSecret, OpenAi, ProviderType, Timeouts};
use url::Url;

use super::Resource;
use crate::compile::Scope;
use crate::id::{ObjectId, SecretId};
use crate::spec::{self, Credential, OpenAiSpec, Placement, Protocol, ProviderSpec, Spec, WireApi};

impl Resource for ModelProvider {
    fn names(&self, id: &ObjectId) -> Vec<String> {
        match self.direct_models {
            Consent::Deny => Vec::new(),
            Consent::Allow => {
                let own = id.name.clone();
                [own].into_iter().chain(self.aliases.iter().flatten().cloned()).collect()
            }
        }
    }

    fn admits(&self, own: &str, other: &str) -> bool {
        self.allowed_namespaces.clone().unwrap_or_default().admit(own, other, None)
    }

    fn compile(&self, id: &ObjectId, scope: &mut Scope<'_>) -> Spec {
        Spec::Provider(ProviderSpec {
            namespace: id.namespace.clone(),
            name: id.name.clone(),
            protocol: match self.kind {
                ProviderType::OpenAI => Protocol::OpenAi(openai(self.openai.as_ref(), &self.base_url)),
            },
            base_url: self.base_url.trim_end_matches('/').to_owned(),
            direct_names: self.names(id).into_iter().collect(),
            credential: credential(self, id, scope),
            caller_credentials: self.caller_credentials,
            allow_plaintext_credentials: self.allow_plaintext_credentials,
            headers: self.headers.iter().flatten().map(lower_cased).collect(),
            allow_private_endpoint: self.allow_private_endpoint,
            timeouts: timeouts(&self.timeouts.clone().unwrap_or_default()),
            retry_budget_percent: u8::try_from(self.retry_budget_percent).unwrap_or_default(),
        })
    }
}

/// Finds the provider's own key, or the last one known where that is allowed.
fn credential(provider: &ModelProvider, id: &ObjectId, scope: &mut Scope<'_>) -> Credential {
    let Some(auth) = &provider.auth else { return Credential::None };
    let reference = &auth.api_key.secret_ref;
    let secret = SecretId::new(&id.namespace, &reference.name, &reference.key);
    let keep_last = provider.on_missing_secret == OnMissingSecret::KeepLastGood;
    match scope.secret(&secret, "spec.auth.apiKey.secretRef", keep_last) {
        Some(hash) => Credential::Key { secret, hash, placement: placement(&auth.api_key) },
        None => Credential::Missing,
    }
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
    let millis = |duration: &crds::Duration| duration.as_millis().unwrap_or_default();
    spec::Timeouts {
        connect_ms: millis(&timeouts.connect),
        first_byte_ms: millis(&timeouts.first_byte),
        stream_idle_ms: millis(&timeouts.stream_idle),
        total_ms: millis(&timeouts.total),
    }
}
