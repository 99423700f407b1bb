//! Compiles ResponsesGateways.

mod references;
mod tools;

use std::collections::BTreeMap;

use crds::ResponsesGateway;
use crds::responses_gateway::{self as resource, AuthenticationMode, Issuer, TenancyMode, Validation};
use serde_json::{Value, json};

use super::{Claim, Resource, caller_urls, count, millis};
use crate::compile::{Scope, View};
use crate::diagnostics::Problem;
use crate::id::ObjectId;
use crate::spec::{Authentication, Fetch, GatewaySpec, JwtIssuer, Limits, Method, Spec, Tenancy};

impl Resource for ResponsesGateway {
    fn claims(&self, _: &ObjectId, _: &View<'_>) -> Vec<Claim> {
        Vec::new()
    }

    fn admits(&self, own: &str, other: &str, labels: &BTreeMap<String, String>) -> bool {
        self.allowed_namespaces.clone().unwrap_or_default().admit(own, other, Some(labels))
    }

    fn check(&self) -> Vec<Problem> {
        self.tools.iter().flat_map(references::check).collect()
    }

    fn secrets(&self, id: &ObjectId) -> Vec<ObjectId> {
        self.tools.iter().flat_map(|tools| tools::secrets(tools, id)).collect()
    }

    fn compile(&self, id: &ObjectId, scope: &mut Scope<'_>) -> Option<Spec> {
        let counts =
            self.authentication.methods.iter().flatten().any(|method| *method == Method::ServiceAccount);
        let state = self.state.clone().unwrap_or_default();
        let responses = self.responses.clone().unwrap_or_default();
        let delivery = self.config_delivery.clone().unwrap_or_default();
        Some(Spec::Gateway(GatewaySpec {
            name: format!("{}/{}", id.namespace, id.name),
            tenancy: tenancy(self),
            authentication: authentication(&self.authentication),
            cluster_keys: scope.cluster_keys().filter(|_| counts),
            caller_urls: caller_urls(self.caller_urls.as_ref()),
            strict: responses.validation == Validation::Strict,
            limits: limits(self.limits.clone().unwrap_or_default()),
            fetch: fetch(&self.limits.clone().unwrap_or_default().fetch.unwrap_or_default()),
            web_search: self.tools.as_ref().and_then(|asked| tools::web_search(asked, id, scope)),
            image_model: self.tools.as_ref().and_then(|asked| references::image_model(asked, id, scope)),
            code_interpreter: self
                .tools
                .as_ref()
                .and_then(|asked| references::code_interpreter(asked, id, scope)),
            retention_ms: Some(millis(&state.retention)).filter(|retention| *retention > 0),
            service_accounts: service_accounts(self, id),
            disconnect_timeout_ms: millis(&delivery.disconnect_timeout),
        }))
    }

    fn as_gateway(&self) -> Option<&ResponsesGateway> {
        Some(self)
    }
}

/// Returns how a gateway tells callers apart.
pub(crate) fn tenancy(gateway: &ResponsesGateway) -> Tenancy {
    match gateway.tenancy.clone().unwrap_or_default().mode {
        TenancyMode::Single => Tenancy::Single,
        TenancyMode::Multi => Tenancy::Multi,
    }
}

/// Returns the spec of the gateway that exists where none is given.
pub(crate) fn implicit() -> Value {
    json!({
        "authentication": {"mode": "Disabled", "acknowledgeInsecure": true},
        "callerURLs": {"mcpServers": "Allow"},
    })
}

fn authentication(asked: &resource::Authentication) -> Authentication {
    match asked.mode {
        AuthenticationMode::Disabled => Authentication::Disabled,
        AuthenticationMode::Required => {
            let mut jwt: Vec<_> = asked.jwt.iter().flatten().map(issuer).collect();
            jwt.sort_by(|a, b| a.name.cmp(&b.name));
            Authentication::Required { methods: asked.methods.iter().flatten().copied().collect(), jwt }
        }
    }
}

fn issuer(issuer: &Issuer) -> JwtIssuer {
    JwtIssuer {
        name: issuer.name.clone(),
        issuer: issuer.issuer.clone(),
        audiences: issuer.audiences.iter().cloned().collect(),
        jwks_uri: issuer.jwks_uri.clone(),
        jwks_cache_ms: millis(&issuer.jwks_cache),
    }
}

fn limits(asked: resource::Limits) -> Limits {
    let of_loop = asked.loop_.unwrap_or_default();
    Limits {
        request_bytes: u64::from(count(asked.request_bytes)),
        concurrency: count(asked.concurrency),
        rounds: count(of_loop.rounds),
        tool_calls: count(of_loop.tool_calls),
        foreground_ms: millis(&of_loop.foreground),
        streams_tenant: count(asked.streams.unwrap_or_default().tenant),
    }
}

fn fetch(asked: &resource::FetchLimits) -> Fetch {
    Fetch { page_bytes: u64::from(count(asked.page_bytes)), timeout_ms: millis(&asked.timeout) }
}

fn service_accounts(gateway: &ResponsesGateway, id: &ObjectId) -> Vec<(String, String)> {
    let infrastructure = gateway.infrastructure.clone().unwrap_or_default();
    let accounts = infrastructure.service_accounts.into_iter().flatten();
    let mut accounts: Vec<_> = accounts
        .map(|account| (account.namespace.unwrap_or_else(|| id.namespace.clone()), account.name))
        .collect();
    accounts.sort();
    accounts.dedup();
    accounts
}
