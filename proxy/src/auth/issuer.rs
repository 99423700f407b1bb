//! The public keys of token issuers: fetched through the egress guard, kept for a while, and fetched again when a token
//! names a key that is not among them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use config::spec::JwtIssuer;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use parking_lot::Mutex;
use protocol::destination::Reach;
use serde::Deserialize;
use tokio::time::{Instant, timeout};

use crate::egress;

/// The shortest time between two fetches, whatever key ids callers make up.
const PAUSE: Duration = Duration::from_secs(10);
/// How long a fetch may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest answer.
const BYTES: usize = 1 << 20;

/// The issuers of a process: their keys outlive changes of the configuration.
#[derive(Default)]
pub struct Issuers {
    known: Mutex<BTreeMap<String, Arc<Issuer>>>,
    reach: Reach,
}

/// One issuer.
pub struct Issuer {
    spec: JwtIssuer,
    reach: Reach,
    /// One fetch at a time; the others wait for it.
    keys: tokio::sync::Mutex<Option<Fetched>>,
}

struct Fetched {
    at: Instant,
    keys: Arc<JwkSet>,
}

/// Why the keys of an issuer cannot be had; for the log, not for callers.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the address of the issuer's keys is refused: {0}")]
    Denied(#[from] protocol::destination::Denied),
    #[error("cannot fetch the issuer's keys")]
    Fetch(#[from] reqwest::Error),
    #[error("the issuer's keys did not arrive in time, or are too large")]
    Slow,
    #[error("cannot understand the issuer's keys")]
    Parse(#[from] serde_json::Error),
}

#[derive(Deserialize)]
struct Discovery {
    jwks_uri: String,
}

impl Issuers {
    /// Issuers may be on private networks; `loopback` opens this machine too.
    pub fn new(loopback: bool) -> Self {
        Self { known: Mutex::default(), reach: Reach { http: loopback, private: true, loopback } }
    }

    /// The issuer of a spec, with the keys that it has already.
    pub fn get(&self, spec: &JwtIssuer) -> Arc<Issuer> {
        let mut known = self.known.lock();
        if let Some(issuer) = known.get(&spec.issuer).filter(|issuer| issuer.spec == *spec) {
            return Arc::clone(issuer);
        }
        let issuer =
            Arc::new(Issuer { spec: spec.clone(), reach: self.reach, keys: tokio::sync::Mutex::new(None) });
        known.insert(spec.issuer.clone(), Arc::clone(&issuer));
        issuer
    }
}

impl Issuer {
    /// What it was made of.
    pub fn spec(&self) -> &JwtIssuer {
        &self.spec
    }

    /// The key of an id; `None` if the issuer has none such. Old keys serve while the issuer cannot be reached.
    ///
    /// Errors: there are no keys at all, and none can be fetched.
    pub async fn key(&self, id: Option<&str>) -> Result<Option<Jwk>, Error> {
        let mut kept = self.keys.lock().await;
        let lifetime = Duration::from_millis(self.spec.jwks_cache_ms);
        let is_fresh = kept.as_ref().is_some_and(|fetched| fetched.at.elapsed() < lifetime);
        let found = kept.as_ref().and_then(|fetched| pick(&fetched.keys, id));
        let may_ask = kept.as_ref().is_none_or(|fetched| fetched.at.elapsed() > PAUSE);
        if (is_fresh && found.is_some()) || !may_ask {
            return Ok(found);
        }
        match self.fetch().await {
            Ok(keys) => {
                let found = pick(&keys, id);
                *kept = Some(Fetched { at: Instant::now(), keys: Arc::new(keys) });
                Ok(found)
            }
            Err(error) if kept.is_some() => {
                tracing::warn!(issuer = self.spec.name, %error, "Cannot renew an issuer's keys; the old ones serve");
                Ok(found)
            }
            Err(error) => Err(error),
        }
    }

    async fn fetch(&self) -> Result<JwkSet, Error> {
        let uri = match &self.spec.jwks_uri {
            Some(uri) => uri.clone(),
            None => {
                let url =
                    format!("{}/.well-known/openid-configuration", self.spec.issuer.trim_end_matches('/'));
                serde_json::from_slice::<Discovery>(&self.get(&url).await?)?.jwks_uri
            }
        };
        Ok(serde_json::from_slice(&self.get(&uri).await?)?)
    }

    async fn get(&self, url: &str) -> Result<Vec<u8>, Error> {
        let checked = egress::checked(url, self.reach)?;
        let client = egress::client(self.reach, Duration::from_secs(2))?;
        let read = async {
            let mut response = client.get(checked.url().clone()).send().await?.error_for_status()?;
            let mut body = Vec::new();
            while let Some(piece) = response.chunk().await? {
                body.extend_from_slice(&piece);
                if body.len() > BYTES {
                    return Err(Error::Slow);
                }
            }
            Ok(body)
        };
        timeout(PATIENCE, read).await.map_err(|_| Error::Slow)?
    }
}

/// The key of this id, or the only key where the token names none.
fn pick(keys: &JwkSet, id: Option<&str>) -> Option<Jwk> {
    match id {
        Some(id) => keys.find(id).cloned(),
        None if keys.keys.len() == 1 => keys.keys.first().cloned(),
        None => None,
    }
}
