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
    keys: Mutex<Option<Fetched>>,
    /// When keys were last asked for, with or without success. Held during a fetch: there is one at a time.
    asked: tokio::sync::Mutex<Option<Instant>>,
}

struct Fetched {
    at: Instant,
    keys: JwkSet,
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
    #[error("the issuer did not answer a moment ago, and is not asked again yet")]
    Paused,
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
        let issuer = Arc::new(Issuer {
            spec: spec.clone(),
            reach: self.reach,
            keys: Mutex::default(),
            asked: tokio::sync::Mutex::default(),
        });
        known.insert(spec.issuer.clone(), Arc::clone(&issuer));
        issuer
    }
}

impl Issuer {
    /// What it was made of.
    pub fn spec(&self) -> &JwtIssuer {
        &self.spec
    }

    /// The key of an id; `None` if the issuer has none such. Old keys serve while the issuer cannot be reached, and while
    /// somebody else fetches new ones.
    ///
    /// Errors: there are no keys at all, and none can be fetched.
    pub async fn key(&self, id: Option<&str>) -> Result<Option<Jwk>, Error> {
        let (found, is_fresh) = self.kept(id);
        let mut asked = match (found, is_fresh) {
            (Some(found), true) => return Ok(Some(found)),
            (Some(found), false) => match self.asked.try_lock() {
                Ok(asked) => asked,
                Err(_) => return Ok(Some(found)),
            },
            (None, _) => self.asked.lock().await,
        };
        if asked.is_none_or(|at| at.elapsed() > PAUSE) {
            let fetched = self.fetch().await;
            *asked = Some(Instant::now());
            self.keep(fetched)?;
        }
        if self.keys.lock().is_none() {
            return Err(Error::Paused);
        }
        Ok(self.kept(id).0)
    }

    /// A key among those that are kept, and whether these are recent.
    fn kept(&self, id: Option<&str>) -> (Option<Jwk>, bool) {
        let kept = self.keys.lock();
        let Some(fetched) = &*kept else { return (None, false) };
        let lifetime = Duration::from_millis(self.spec.jwks_cache_ms);
        (pick(&fetched.keys, id), fetched.at.elapsed() < lifetime)
    }

    fn keep(&self, fetched: Result<JwkSet, Error>) -> Result<(), Error> {
        let mut kept = self.keys.lock();
        match fetched {
            Ok(keys) => *kept = Some(Fetched { at: Instant::now(), keys }),
            Err(error) if kept.is_some() => {
                tracing::warn!(issuer = self.spec.name, %error, "Cannot renew an issuer's keys; the old ones serve");
            }
            Err(error) => return Err(error),
        }
        Ok(())
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
        let client = egress::documents(self.reach, Duration::from_secs(2))?;
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

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn an_issuer_that_fails_is_left_alone_for_a_while() {
        // Another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let mut hangs_up = tokio::task::JoinSet::new();
        hangs_up.spawn(async move { while listener.accept().await.is_ok() {} });
        let spec = JwtIssuer {
            name: "corp".into(),
            issuer: url.clone(),
            audiences: ["fairlead".to_owned()].into(),
            jwks_uri: Some(url),
            jwks_cache_ms: 1_000,
        };
        let issuer = Issuers::new(true).get(&spec);
        let error = issuer.key(Some("a")).await.expect_err("no keys");
        assert!(matches!(error, Error::Fetch(_)), "{error:?}");
        assert!(matches!(issuer.key(Some("a")).await, Err(Error::Paused)));
    }

    #[tokio::test]
    async fn a_key_that_is_kept_waits_for_no_fetch() {
        let spec = JwtIssuer {
            name: "corp".into(),
            issuer: "https://issuer.invalid".into(),
            audiences: ["fairlead".to_owned()].into(),
            jwks_uri: None,
            jwks_cache_ms: 0,
        };
        let issuer = Issuers::new(false).get(&spec);
        let jwk = r#"{"keys":[{"kty":"oct","kid":"a","k":"AAAA"}]}"#;
        let keys = serde_json::from_str(jwk).expect("a key set");
        issuer.keep(Ok(keys)).expect("kept");
        let _somebody_fetches = issuer.asked.lock().await;
        assert!(issuer.key(Some("a")).await.is_ok_and(|key| key.is_some()));
    }
}
