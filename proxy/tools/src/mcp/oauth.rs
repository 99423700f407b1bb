//! Access tokens by OAuth client credentials.
//!
//! Source: RFC 6749 §4.4, RFC 8707 (`resource`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use http::header::{ACCEPT, CONTENT_TYPE};
use parking_lot::Mutex;
use protocol::destination::Destination;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout};
use url::form_urlencoded::{Serializer, byte_serialize};

use super::failure::{Failure, Reason};
use super::joint::Joint;
use super::session::request_reason;

/// The largest answer of a token endpoint.
const ANSWER_BYTES: usize = 64 << 10;
/// How long before its end a token is not used any more.
const MARGIN: Duration = Duration::from_secs(30);
/// How long a token holds of which the issuer does not say it, and the longest that is believed.
const UNSAID: Duration = Duration::from_secs(300);
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// What a token is asked with.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    /// The token endpoint; checked.
    pub token_url: Destination,
    /// `client_id`.
    pub client_id: String,
    /// `client_secret`.
    pub client_secret: SecretString,
    /// How the two are sent.
    pub auth: ClientAuth,
    /// `scope`.
    pub scopes: Vec<String>,
    /// `resource`: the server that the token is for.
    pub resource: Option<String>,
    /// `audience`, which some issuers want.
    pub audience: Option<String>,
}

/// How a client identifies itself to a token endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientAuth {
    /// `client_secret_basic`.
    #[default]
    Basic,
    /// `client_secret_post`.
    Post,
}

/// A token; never shown.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) secret: SecretString,
    until: Instant,
}

/// The tokens of a process, by issuer and credentials.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<BTreeMap<[u8; 32], Arc<Slot>>>);

#[derive(Debug, Default)]
struct Slot {
    held: Mutex<Option<Token>>,
    asking: Joint<Result<Token, Failure>>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: SecretString,
    token_type: Option<String>,
    expires_in: Option<Value>,
}

impl Tokens {
    /// The token that is held, or else one that is asked for.
    ///
    /// Errors: the issuer gives none.
    pub(super) async fn get(
        &self,
        client: &reqwest::Client,
        credentials: &ClientCredentials,
        patience: Duration,
    ) -> Result<Token, Failure> {
        let slot = self.slot(credentials);
        if let Some(token) = slot.held.lock().clone().filter(|token| token.until > Instant::now()) {
            return Ok(token);
        }
        let asking = slot.asking.join(|| {
            let (client, credentials, slot) = (client.clone(), credentials.clone(), Arc::clone(&slot));
            async move {
                let asked = timeout(patience, ask(&client, &credentials)).await;
                let token = asked.unwrap_or_else(|_| Err(Reason::Timeout.into()))?;
                *slot.held.lock() = Some(token.clone());
                Ok(token)
            }
            .boxed()
        });
        asking.await
    }

    /// Forgets a token that a server did not take, unless there is another one by now.
    pub(super) fn forget(&self, credentials: &ClientCredentials, refused: &Token) {
        let slot = self.slot(credentials);
        let mut held = slot.held.lock();
        let is_refused = |token: &Token| token.secret.expose_secret() == refused.secret.expose_secret();
        if held.as_ref().is_some_and(is_refused) {
            *held = None;
        }
    }

    /// Forgets what has run out and nobody asks for.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        let is_good = |slot: &Slot| slot.held.lock().as_ref().is_some_and(|token| token.until > now);
        self.0.lock().retain(|_, slot| Arc::strong_count(slot) > 1 || is_good(slot));
    }

    fn slot(&self, credentials: &ClientCredentials) -> Arc<Slot> {
        Arc::clone(self.0.lock().entry(credentials.digest()).or_default())
    }
}

impl ClientCredentials {
    fn digest(&self) -> [u8; 32] {
        let scopes = self.scopes.join(" ");
        let auth = match self.auth {
            ClientAuth::Basic => "basic",
            ClientAuth::Post => "post",
        };
        let parts = [
            self.token_url.url().as_str(),
            &self.client_id,
            self.client_secret.expose_secret(),
            auth,
            &scopes,
            self.resource.as_deref().unwrap_or_default(),
            self.audience.as_deref().unwrap_or_default(),
        ];
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    fn form(&self) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if !self.scopes.is_empty() {
            form.append_pair("scope", &self.scopes.join(" "));
        }
        for (key, value) in [("resource", &self.resource), ("audience", &self.audience)] {
            if let Some(value) = value {
                form.append_pair(key, value);
            }
        }
        if self.auth == ClientAuth::Post {
            form.append_pair("client_id", &self.client_id);
            form.append_pair("client_secret", self.client_secret.expose_secret());
        }
        form.finish()
    }
}

async fn ask(client: &reqwest::Client, credentials: &ClientCredentials) -> Result<Token, Failure> {
    let mut request = client
        .post(credentials.token_url.url().clone())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json")
        .body(credentials.form());
    if credentials.auth == ClientAuth::Basic {
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let secret = encoded(credentials.client_secret.expose_secret());
        request = request.basic_auth(encoded(&credentials.client_id), Some(secret));
    }
    let response = request.send().await.map_err(|error| request_reason(&error))?;
    if !response.status().is_success() {
        tracing::warn!(status = response.status().as_u16(), "A token endpoint gave no token");
        // The issuer's status is not the server's, so it is not shown as one.
        return Err(Reason::Token.into());
    }
    let body = bounded(response).await?;
    let answer: Answer = serde_json::from_slice(&body).map_err(|_| Reason::Token)?;
    answer.token(Instant::now()).ok_or_else(|| Reason::Token.into())
}

async fn bounded(mut response: reqwest::Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| request_reason(&error))? {
        if body.len() + piece.len() > ANSWER_BYTES {
            return Err(Reason::Token.into());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

impl Answer {
    fn token(self, now: Instant) -> Option<Token> {
        let is_bearer = self.token_type.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
        let is_empty = self.access_token.expose_secret().is_empty();
        (is_bearer && !is_empty)
            .then(|| Token { until: now + lifetime(self.expires_in.as_ref()), secret: self.access_token })
    }
}

/// How long a token is used: not to its end, and at least for half its life. Some issuers write the number as a string.
fn lifetime(expires_in: Option<&Value>) -> Duration {
    let seconds = expires_in.and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
    let life = seconds.map_or(UNSAID, Duration::from_secs).min(LONGEST);
    life - MARGIN.min(life / 2)
}

#[cfg(test)]
mod tests {
    use protocol::destination::Reach;

    use super::*;

    fn credentials() -> ClientCredentials {
        ClientCredentials {
            token_url: Destination::parse("https://issuer.example/token", Reach::default()).expect("good"),
            client_id: "a b".into(),
            client_secret: SecretString::from("hunter2"),
            auth: ClientAuth::Basic,
            scopes: vec!["read".into(), "write".into()],
            resource: Some("https://mcp.example/".into()),
            audience: None,
        }
    }

    #[test]
    fn the_form_names_the_resource_and_the_secret_only_where_it_is_posted() {
        let basic = credentials();
        let expected = "grant_type=client_credentials&scope=read+write&resource=https%3A%2F%2Fmcp.example%2F";
        assert_eq!(basic.form(), expected);
        let posted = ClientCredentials { auth: ClientAuth::Post, ..credentials() };
        assert_eq!(posted.form(), format!("{expected}&client_id=a+b&client_secret=hunter2"));
        assert!(!format!("{posted:?}").contains("hunter2"));
    }

    #[test]
    fn every_part_of_the_credentials_has_tokens_of_its_own() {
        let one = credentials().digest();
        let others = [
            ClientCredentials { client_id: "a".into(), ..credentials() },
            ClientCredentials { client_secret: SecretString::from("x"), ..credentials() },
            ClientCredentials { scopes: vec!["read".into()], ..credentials() },
            ClientCredentials { audience: Some("x".into()), ..credentials() },
        ];
        assert!(others.iter().all(|other| other.digest() != one));
        assert_eq!(credentials().digest(), one);
    }

    #[test]
    fn a_token_is_not_used_to_its_end() {
        let seconds = Duration::from_secs;
        assert_eq!(lifetime(Some(&3600.into())), seconds(3570));
        assert_eq!(lifetime(Some(&"3600".into())), seconds(3570));
        assert_eq!(lifetime(Some(&10.into())), seconds(5));
        assert_eq!(lifetime(None), seconds(270));
        assert_eq!(lifetime(Some(&u64::MAX.into())), seconds(24 * 3600 - 30));
    }

    #[tokio::test]
    async fn a_token_of_another_kind_is_none() {
        let token = |text: &str| serde_json::from_str::<Answer>(text).expect("JSON").token(Instant::now());
        assert!(token(r#"{"access_token": "t", "token_type": "Bearer"}"#).is_some());
        assert!(token(r#"{"access_token": "t"}"#).is_some());
        assert!(token(r#"{"access_token": "t", "token_type": "mac"}"#).is_none());
        assert!(token(r#"{"access_token": ""}"#).is_none());
    }
}
