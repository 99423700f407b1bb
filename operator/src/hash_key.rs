//! The key of the hashes of secrets: one for all replicas, in a Secret beside them, so that a hash in a status lets nobody guess
//! a weak secret, and another leader publishes the same hashes.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use config::HashKey;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::time::timeout;

/// The Secret, in the namespace of the operator.
pub(crate) const SECRET: &str = "fairlead-operator-hash-key";
const FIELD: &str = "key";
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads the key, and makes it first if there is none.
///
/// Errors: the API server does not answer or refuses; the Secret is not what it should be.
pub(crate) async fn find(client: &Client, namespace: &str) -> anyhow::Result<HashKey> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let found = timeout(PATIENCE, found_or_made(&secrets))
        .await
        .context("the API server does not answer in time")??;
    let data = found.data.unwrap_or_default();
    let key = data.get(FIELD).with_context(|| format!("Secret {namespace}/{SECRET} has no {FIELD:?}"))?;
    let key = <[u8; 32]>::try_from(key.0.as_slice());
    Ok(HashKey::new(
        key.with_context(|| format!("Secret {namespace}/{SECRET}: {FIELD:?} must have 32 bytes"))?,
    ))
}

async fn found_or_made(secrets: &Api<Secret>) -> anyhow::Result<Secret> {
    if let Some(found) = secrets.get_opt(SECRET).await? {
        return Ok(found);
    }
    let mut key = vec![0; 32];
    getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let mut made = Secret { immutable: Some(true), ..Secret::default() };
    made.metadata.name = Some(SECRET.to_owned());
    made.data = Some(BTreeMap::from([(FIELD.to_owned(), ByteString(key))]));
    match secrets.create(&PostParams::default(), &made).await {
        Ok(made) => Ok(made),
        // Another replica was faster.
        Err(kube::Error::Api(error)) if error.code == 409 => Ok(secrets.get(SECRET).await?),
        Err(error) => Err(error.into()),
    }
}
