//! Which ServiceAccount a token belongs to, by the word of the API server.

use std::collections::BTreeMap;
use std::time::Duration;

use config::delivery::AUDIENCE;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

/// How long an answer counts.
const CACHED: Duration = Duration::from_secs(60);
/// Answers that are kept.
const KEPT: usize = 4096;
const PATIENCE: Duration = Duration::from_secs(5);

/// A ServiceAccount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// Asks the API server, and remembers its answers for a while.
pub(crate) struct Identities {
    client: Client,
    known: Mutex<BTreeMap<[u8; 32], Answer>>,
}

/// What the API server said, and when.
type Answer = (Instant, Option<Identity>);

/// Why nobody can say whose a token is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot review a token")]
    Review(#[from] kube::Error),
    #[error("the API server does not answer in time")]
    Slow,
}

impl Identities {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, known: Mutex::default() }
    }

    /// The owner of a token for this audience; `None` if it is no valid one.
    ///
    /// Errors: the API server does not say.
    pub(crate) async fn of(&self, token: &str) -> Result<Option<Identity>, Error> {
        let digest = *blake3::hash(token.as_bytes()).as_bytes();
        let known = self.known.lock().get(&digest).cloned();
        if let Some((at, identity)) = known
            && at.elapsed() < CACHED
        {
            return Ok(identity);
        }
        let identity = self.review(token).await?;
        let mut known = self.known.lock();
        if known.len() >= KEPT {
            known.retain(|_, (at, _)| at.elapsed() < CACHED);
        }
        if known.len() < KEPT {
            known.insert(digest, (Instant::now(), identity.clone()));
        }
        Ok(identity)
    }

    async fn review(&self, token: &str) -> Result<Option<Identity>, Error> {
        let spec = TokenReviewSpec { audiences: Some(vec![AUDIENCE.to_owned()]), token: token.to_owned() };
        let review = TokenReview { spec, ..TokenReview::default() };
        let api: Api<TokenReview> = Api::all(self.client.clone());
        let params = PostParams::default();
        let answered = timeout(PATIENCE, api.create(&params, &review)).await.map_err(|_| Error::Slow)??;
        let status = answered.status.unwrap_or_default();
        let is_meant = status.audiences.unwrap_or_default().iter().any(|audience| audience == AUDIENCE);
        let username = status.user.and_then(|user| user.username).unwrap_or_default();
        Ok(identity(&username).filter(|_| is_meant && status.authenticated == Some(true)))
    }
}

/// `system:serviceaccount:<namespace>:<name>`.
fn identity(username: &str) -> Option<Identity> {
    let (namespace, name) = username.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    Some(Identity { namespace: namespace.to_owned(), name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_service_accounts_are_identities() {
        let expected = Identity { namespace: "a".into(), name: "b".into() };
        assert_eq!(identity("system:serviceaccount:a:b"), Some(expected));
        assert_eq!(identity("system:admin"), None);
        assert_eq!(identity("b"), None);
    }
}
