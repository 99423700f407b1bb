//! Who asks. The tenant comes from the credential alone, before a body is read.

pub mod api_key;
mod claims;
pub mod issuer;
pub mod token;
pub mod view;

use std::collections::HashMap;
use std::sync::Arc;

use config::spec::{Authentication, GatewaySpec, Method, Subject, Tenancy, TenantSpec};
use config::{Snapshot, Spec};
use http::{HeaderMap, header};
use protocol::error::{ApiError, INVALID_REQUEST};
use protocol::id::Tenant;
use tools::policy::Identity;

use crate::auth::api_key::Keys;
use crate::auth::issuer::Issuers;
use crate::auth::token::{Expiry, Tokens};
use crate::auth::view::View;
use crate::clock::Clock;

/// The tenant of a gateway that tells no tenants apart.
pub const DEFAULT_TENANT: &str = "default";

/// Who asks: the tenant, what it may see, and by which credential.
#[derive(Clone, Debug)]
pub struct Caller {
    pub tenant: Tenant,
    pub view: Arc<View>,
    /// By which credential; never the credential.
    pub identity: Arc<Identity>,
    /// True where the bearer token is not the gateway's, so that it may be meant for a provider.
    pub brings_own_key: bool,
}

/// What a snapshot says of callers.
pub struct Gate {
    /// `None` lets everybody in.
    required: Option<Required>,
    tenants: HashMap<String, Arc<View>>,
}

struct Required {
    keys: Option<Keys>,
    tokens: Option<Tokens>,
}

impl Caller {
    /// Somebody who may ask only what everybody may.
    pub fn anonymous() -> Self {
        let (tenant, view) = (Tenant::new(DEFAULT_TENANT), Arc::new(View::everything()));
        Self { tenant, view, identity: Arc::new(Identity::Anonymous), brings_own_key: false }
    }

    /// Names the credential, for logs.
    pub fn credential(&self) -> Option<String> {
        Some(self.identity.name()).filter(|name| !name.is_empty())
    }
}

impl Gate {
    /// Builds the tables of a snapshot. Keys of issuers that stay are kept.
    pub fn build(snapshot: &Snapshot, issuers: &Issuers) -> Self {
        let gateway = snapshot.gateway();
        let tenants = tenants(snapshot, gateway);
        let required = gateway.and_then(|gateway| match &gateway.authentication {
            Authentication::Disabled => None,
            Authentication::Required { methods, jwt } => Some(Required {
                keys: methods.contains(&Method::ApiKey).then(|| Keys::build(snapshot)),
                tokens: Tokens::build(snapshot, gateway, (methods, jwt), issuers),
            }),
        });
        Self { required, tenants }
    }

    /// Finds out who asks.
    ///
    /// Errors: 401 without a valid credential; 403 if it belongs to no tenant, or to two; 503 if an issuer's keys cannot
    /// be had.
    pub async fn admit(&self, headers: &HeaderMap, clock: &Clock) -> Result<Caller, ApiError> {
        self.identify(headers, clock, Expiry::Counts).await
    }

    /// Finds out whether who was admitted would be again. A token may have expired since: that is no revocation.
    ///
    /// Errors: as [`Gate::admit`].
    pub async fn admit_still(&self, headers: &HeaderMap, clock: &Clock) -> Result<Caller, ApiError> {
        self.identify(headers, clock, Expiry::Forgiven).await
    }

    async fn identify(&self, headers: &HeaderMap, clock: &Clock, expiry: Expiry) -> Result<Caller, ApiError> {
        let Some(required) = &self.required else {
            return self.caller(DEFAULT_TENANT, Identity::Anonymous, true);
        };
        let token = bearer(headers).ok_or_else(missing)?;
        let now = clock.now();
        if let Some(key) = required.keys.as_ref().and_then(|keys| keys.find(token, now)) {
            let (id, name) = (key.name.clone(), key.name.clone());
            return self.caller(&key.tenant, Identity::Key { id, name }, false);
        }
        let Some(tokens) = &required.tokens else { return Err(invalid()) };
        let subject = tokens.verify(token, expiry).await?.ok_or_else(invalid)?;
        let tenant = subject.tenant()?;
        self.caller(&tenant, subject.identity(), false)
    }

    /// What a tenant sees; without a name, what everybody sees where tenants are not told apart.
    pub fn view(&self, tenant: Option<&str>) -> Option<&View> {
        self.tenants.get(tenant.unwrap_or(DEFAULT_TENANT)).map(AsRef::as_ref)
    }

    fn caller(&self, tenant: &str, identity: Identity, own: bool) -> Result<Caller, ApiError> {
        let view = self.tenants.get(tenant).ok_or_else(|| no_tenant("belongs to no tenant"))?;
        let (tenant, identity) = (Tenant::new(tenant), Arc::new(identity));
        Ok(Caller { tenant, view: Arc::clone(view), identity, brings_own_key: own })
    }
}

/// A view for each tenant; one that sees everything where tenants are not told apart.
fn tenants(snapshot: &Snapshot, gateway: Option<&GatewaySpec>) -> HashMap<String, Arc<View>> {
    let mut views = HashMap::new();
    let Some(gateway) = gateway.filter(|gateway| gateway.tenancy == Tenancy::Multi) else {
        views.insert(DEFAULT_TENANT.to_owned(), Arc::new(View::undivided(gateway)));
        return views;
    };
    for (_, tenant) in specs(snapshot) {
        views.insert(tenant.name.clone(), Arc::new(View::of(gateway, tenant)));
    }
    views
}

/// The tenants of a snapshot with what makes a caller theirs.
fn specs(snapshot: &Snapshot) -> impl Iterator<Item = (&[Subject], &TenantSpec)> {
    snapshot.entries.values().filter_map(|entry| match &entry.spec {
        Spec::Tenant(tenant) => Some((tenant.subjects.as_slice(), tenant)),
        Spec::Gateway(_)
        | Spec::Provider(_)
        | Spec::Model(_)
        | Spec::Key(_)
        | Spec::McpServer(_)
        | Spec::ToolPolicy(_) => None,
    })
}

/// The bearer token of a request.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn missing() -> ApiError {
    let message = "You didn't provide an API key. Provide it in an Authorization header using Bearer auth \
                   (i.e. Authorization: Bearer YOUR_KEY).";
    ApiError::new(401, INVALID_REQUEST, message).with_code("invalid_api_key")
}

pub fn invalid() -> ApiError {
    ApiError::new(401, INVALID_REQUEST, "Incorrect API key provided.").with_code("invalid_api_key")
}

fn no_tenant(why: &str) -> ApiError {
    let message = format!("This credential {why} of this gateway.");
    ApiError::new(403, INVALID_REQUEST, message).with_code("insufficient_permissions")
}
