//! Signed tokens: of OIDC issuers and of the cluster's ServiceAccounts.

use std::collections::BTreeSet;
use std::sync::Arc;

use config::Snapshot;
use config::spec::{GatewaySpec, JwtIssuer, Method, Subject, Tenancy};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use protocol::error::{ApiError, SERVER_ERROR};
use serde::Deserialize;
use tools::policy::Identity;

use crate::auth::claims::Claims;
use crate::auth::issuer::{Issuer, Issuers};
use crate::auth::{DEFAULT_TENANT, no_tenant, specs};

/// The audience of ServiceAccount tokens that are meant for a gateway.
pub const AUDIENCE: &str = "fairlead";
/// Seconds by which clocks may differ.
const LEEWAY: u64 = 30;
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// The tokens that a gateway takes.
pub struct Tokens {
    issuers: Vec<Arc<Issuer>>,
    cluster: Option<Cluster>,
    /// Whose subjects are whose; empty where tenants are not told apart.
    tenants: Vec<(String, Vec<Subject>)>,
    is_single: bool,
}

/// The cluster's own issuer, with its keys as the operator saw them.
struct Cluster {
    issuer: String,
    keys: JwkSet,
}

/// Whether the end of a token counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    Counts,
    /// It was good when its request came.
    Forgiven,
}

/// The bearer of a token, and the tenants that it fits.
pub struct Bearer {
    identity: Identity,
    tenants: Vec<String>,
}

/// What is read of a token before its signature is checked.
#[derive(Deserialize)]
struct Unverified {
    iss: String,
}

impl Tokens {
    /// Reads what a snapshot says; `None` if no kind of token counts.
    pub fn build(
        snapshot: &Snapshot,
        gateway: &GatewaySpec,
        (methods, jwt): (&BTreeSet<Method>, &[JwtIssuer]),
        issuers: &Issuers,
    ) -> Option<Self> {
        let cluster = methods.contains(&Method::ServiceAccount).then(|| cluster(gateway)).flatten();
        if jwt.is_empty() && cluster.is_none() {
            return None;
        }
        let tenants = specs(snapshot).map(|(subjects, tenant)| (tenant.name.clone(), subjects.to_vec()));
        Some(Self {
            issuers: jwt.iter().map(|spec| issuers.get(spec)).collect(),
            cluster,
            tenants: tenants.collect(),
            is_single: gateway.tenancy == Tenancy::Single,
        })
    }

    /// Checks signature, issuer, audience and times of a token; `None` if it is no valid one.
    ///
    /// Errors: 503 if the keys of its issuer cannot be had.
    pub async fn verify(&self, token: &str, expiry: Expiry) -> Result<Option<Bearer>, ApiError> {
        let (Ok(head), Some(issuer)) = (decode_header(token), issuer_of(token)) else { return Ok(None) };
        if let Some(cluster) = self.cluster.as_ref().filter(|cluster| cluster.issuer == issuer) {
            let key = head.kid.as_deref().and_then(|id| cluster.keys.find(id));
            let audiences = BTreeSet::from([AUDIENCE.to_owned()]);
            let claims = key.and_then(|key| checked((token, expiry), head.alg, key, (&issuer, &audiences)));
            return Ok(claims.and_then(|claims| self.service_account(&claims)));
        }
        let Some(known) = self.issuers.iter().find(|known| known.spec().issuer == issuer) else {
            return Ok(None);
        };
        let key = known.key(head.kid.as_deref()).await.map_err(|error| {
            let error = crate::error::chain(&error);
            tracing::warn!(issuer = known.spec().name, error, "Cannot check a token");
            ApiError::new(503, SERVER_ERROR, "The credential cannot be checked at the moment.")
        })?;
        let spec = known.spec();
        let claims = key.and_then(|key| checked((token, expiry), head.alg, &key, (&issuer, &spec.audiences)));
        Ok(claims.map(|claims| self.bearer(&spec.name, &claims)))
    }

    fn bearer(&self, issuer: &str, claims: &Claims) -> Bearer {
        let fits = |subject: &Subject| match subject {
            Subject::Jwt { issuer: named, claim, values } => {
                named == issuer && claims.has(claim, |value| values.contains(value))
            }
            Subject::ServiceAccount { .. } => false,
        };
        let (issuer, subject) = (issuer.to_owned(), claims.sub.clone());
        let mut all = claims.rest.clone();
        all.insert("sub".to_owned(), subject.clone().into());
        let identity = Identity::Token { issuer, subject, claims: all };
        Bearer { identity, tenants: self.fitting(fits) }
    }

    fn service_account(&self, claims: &Claims) -> Option<Bearer> {
        let kubernetes = claims.kubernetes.as_ref()?;
        let (own, account) = (&kubernetes.namespace, &kubernetes.serviceaccount.name);
        let fits = |subject: &Subject| match subject {
            Subject::ServiceAccount { namespace, name } => {
                namespace == own && name.as_ref().is_none_or(|name| name == account)
            }
            Subject::Jwt { .. } => false,
        };
        let identity = Identity::ServiceAccount { namespace: own.clone(), name: account.clone() };
        Some(Bearer { identity, tenants: self.fitting(fits) })
    }

    fn fitting(&self, fits: impl Fn(&Subject) -> bool) -> Vec<String> {
        if self.is_single {
            return vec![DEFAULT_TENANT.to_owned()];
        }
        let fitting = self.tenants.iter().filter(|(_, subjects)| subjects.iter().any(&fits));
        fitting.map(|(name, _)| name.clone()).collect()
    }
}

impl Bearer {
    /// The tenant that the bearer belongs to.
    ///
    /// Errors: 403 if there is none, or more than one.
    pub fn tenant(&self) -> Result<String, ApiError> {
        match self.tenants.as_slice() {
            [tenant] => Ok(tenant.clone()),
            [] => Err(no_tenant("belongs to no tenant")),
            [..] => Err(no_tenant("belongs to more than one tenant")),
        }
    }

    /// Who it is.
    pub fn identity(self) -> Identity {
        self.identity
    }
}

fn cluster(gateway: &GatewaySpec) -> Option<Cluster> {
    let keys = gateway.cluster_keys.as_ref()?;
    Some(Cluster { issuer: keys.issuer.clone(), keys: serde_json::from_str(&keys.jwks).ok()? })
}

/// The issuer that a token names; nothing else of it is believed before its signature is checked.
fn issuer_of(token: &str) -> Option<String> {
    use base64::Engine;
    let claims = token.split('.').nth(1)?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).ok()?;
    serde_json::from_slice::<Unverified>(&bytes).ok().map(|claims| claims.iss)
}

fn checked(
    (token, expiry): (&str, Expiry),
    algorithm: Algorithm,
    key: &Jwk,
    (issuer, audiences): (&str, &BTreeSet<String>),
) -> Option<Claims> {
    if !ALGORITHMS.contains(&algorithm) {
        return None;
    }
    let mut validation = Validation::new(algorithm);
    validation.leeway = LEEWAY;
    validation.validate_nbf = true;
    validation.validate_exp = expiry == Expiry::Counts;
    validation.set_issuer(&[issuer]);
    validation.set_audience(&audiences.iter().collect::<Vec<_>>());
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    let key = DecodingKey::from_jwk(key).ok()?;
    decode::<Claims>(token, &key, &validation).ok().map(|verified| verified.claims)
}
