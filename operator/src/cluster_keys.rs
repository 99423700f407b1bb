//! The public keys of the cluster, by which proxies check ServiceAccount tokens without asking the API server.

use std::time::Duration;

use config::spec::ClusterKeys;
use kube::Client;
use serde::Deserialize;
use tokio::time::{Instant, timeout};
use tracing::warn;

const PATIENCE: Duration = Duration::from_secs(5);
/// How often they are looked at: they are rotated rarely, and with an overlap.
const PAUSE: Duration = Duration::from_secs(300);
/// How soon after a failure.
const RETRY: Duration = Duration::from_secs(10);

/// The keys as they were seen last.
#[derive(Default)]
pub(crate) struct Known {
    keys: Option<ClusterKeys>,
    look_at: Option<Instant>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot read them")]
    Read(#[from] kube::Error),
    #[error("cannot understand them")]
    Parse(#[from] serde_json::Error),
    #[error("the API server does not answer in time")]
    Slow,
}

impl Known {
    /// The keys; `None` until they have been read once.
    pub(crate) fn keys(&self) -> Option<ClusterKeys> {
        self.keys.clone()
    }

    /// Reads them if it is time. True if they changed.
    pub(crate) async fn refresh(&mut self, client: &Client) -> bool {
        if self.look_at.is_some_and(|at| Instant::now() < at) {
            return false;
        }
        let read = timeout(PATIENCE, read(client)).await.map_err(|_| Error::Slow).flatten();
        let (pause, changed) = match read {
            Ok(keys) => (PAUSE, self.keys.replace(keys.clone()) != Some(keys)),
            Err(error) => {
                warn!(error = %crate::chain(&error), "The cluster's public keys stay as they were");
                (RETRY, false)
            }
        };
        self.look_at = Some(Instant::now() + pause);
        changed
    }
}

async fn read(client: &Client) -> Result<ClusterKeys, Error> {
    let discovery = client.request_text(get("/.well-known/openid-configuration")?).await?;
    let jwks = client.request_text(get("/openid/v1/jwks")?).await?;
    Ok(ClusterKeys { issuer: serde_json::from_str::<Discovery>(&discovery)?.issuer, jwks })
}

fn get(path: &str) -> Result<hyper::Request<Vec<u8>>, kube::Error> {
    hyper::Request::get(path).body(Vec::new()).map_err(kube::Error::HttpError)
}
