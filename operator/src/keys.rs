//! Keys that the operator makes: written to a Secret of their own, rotated with an overlap, and never shown elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use config::{Compiled, EntryId, ObjectId, Spec};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams};
use kube::core::DynamicObject;
use kube::{Api, Client};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use crate::clock;
use crate::cluster::Cluster;

/// The field manager of generated Secrets.
const MANAGER: &str = "fairlead-operator/keys";
/// The type of generated Secrets; others are never touched.
const TYPE: &str = "fairlead.dev/api-key";
const PATIENCE: Duration = Duration::from_secs(5);
/// A Secret is looked at no more often than this.
const PAUSE: Duration = Duration::from_secs(10);

/// Makes and rotates keys.
pub(crate) struct Keys {
    client: Client,
    looked: BTreeMap<ObjectId, Instant>,
    known: BTreeMap<ObjectId, Generated>,
}

/// What is known of a generated key.
#[derive(Clone, Debug)]
struct Generated {
    prefix: String,
    made: Timestamp,
    next: Option<Timestamp>,
}

/// What an APIKey asks for.
struct Asked {
    secret: String,
    every: Option<SignedDuration>,
    overlap: SignedDuration,
}

impl Keys {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, looked: BTreeMap::new(), known: BTreeMap::new() }
    }

    /// Makes what is missing and rotates what is due. To be called by the leader only.
    pub(crate) async fn reconcile(&mut self, cluster: &Cluster, compiled: &Compiled) {
        let keys =
            compiled.diagnostics.iter().filter(|(id, about)| id.kind == "APIKey" && about.is_accepted());
        let keys: Vec<ObjectId> = keys.map(|(id, _)| id.clone()).collect();
        self.looked.retain(|id, _| keys.contains(id));
        self.known.retain(|id, _| keys.contains(id));
        for id in keys {
            let Some(object) = cluster.object(&id) else { continue };
            let Some(asked) = Asked::of(&object) else { continue };
            if self.looked.get(&id).is_some_and(|at| at.elapsed() < PAUSE) {
                continue;
            }
            self.looked.insert(id.clone(), Instant::now());
            if let Err(error) = self.one(&id, &object, &asked).await {
                warn!(key = %id, error = format!("{error:#}"), "Cannot make or rotate a key");
            }
        }
    }

    /// What the status of an APIKey holds beside its conditions.
    pub(crate) fn status(&self, id: &ObjectId, compiled: &Compiled) -> Vec<(String, Value)> {
        let tenant = compiled.snapshots.values().find_map(|snapshot| {
            match &snapshot.entries.get(&EntryId::of(id))?.spec {
                Spec::Key(key) => Some(key.tenant.clone()),
                Spec::Gateway(_)
                | Spec::Provider(_)
                | Spec::Model(_)
                | Spec::Tenant(_)
                | Spec::McpServer(_)
                | Spec::ToolPolicy(_) => None,
            }
        });
        let mut status: Vec<(String, Value)> =
            tenant.map(|tenant| ("tenant".to_owned(), tenant.into())).into_iter().collect();
        if let Some(known) = self.known.get(id) {
            status.push(("prefix".to_owned(), known.prefix.clone().into()));
            status.push(("rotatedAt".to_owned(), clock::text(known.made).into()));
            status.extend(known.next.map(|next| ("nextRotation".to_owned(), clock::text(next).into())));
        }
        status
    }

    async fn one(&mut self, id: &ObjectId, object: &DynamicObject, asked: &Asked) -> anyhow::Result<()> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &id.namespace);
        let now = clock::now();
        let found = timeout(PATIENCE, api.get_opt(&asked.secret)).await??;
        let before = match found {
            Some(secret) if secret.type_.as_deref() != Some(TYPE) => {
                anyhow::bail!("the Secret {} was made by somebody else and is left alone", asked.secret)
            }
            Some(secret) => Some(Held::of(&secret)),
            None => None,
        };
        if let Some(held) = before.as_ref().filter(|held| !held.is_due(asked, now)) {
            self.note(id, asked, &held.key, held.made.unwrap_or(now));
            return Ok(());
        }
        let key = generated()?;
        let secret = asked.secret(object, &key, before.as_ref(), now);
        let params = PatchParams::apply(MANAGER).force();
        timeout(PATIENCE, api.patch(&asked.secret, &params, &Patch::Apply(secret))).await??;
        info!(key = %id, rotated = before.is_some(), "Key written to its Secret");
        self.note(id, asked, &key, now);
        Ok(())
    }

    fn note(&mut self, id: &ObjectId, asked: &Asked, key: &str, made: Timestamp) {
        let next = asked.every.and_then(|every| made.checked_add(every).ok());
        let prefix = key.chars().take(8).collect();
        self.known.insert(id.clone(), Generated { prefix, made, next });
    }
}

/// What a generated Secret holds.
struct Held {
    key: String,
    sha256: String,
    made: Option<Timestamp>,
}

impl Held {
    fn of(secret: &Secret) -> Self {
        let data = secret.data.clone().unwrap_or_default();
        let text =
            |key: &str| data.get(key).and_then(|ByteString(bytes)| String::from_utf8(bytes.clone()).ok());
        let made = text("madeAt").and_then(|made| made.parse().ok());
        Self { key: text("key").unwrap_or_default(), sha256: text("sha256").unwrap_or_default(), made }
    }

    fn is_due(&self, asked: &Asked, now: Timestamp) -> bool {
        if self.key.is_empty() || self.sha256 != sha256(&self.key) {
            return true;
        }
        let due = asked.every.zip(self.made).and_then(|(every, made)| made.checked_add(every).ok());
        due.is_some_and(|due| now >= due)
    }
}

impl Asked {
    fn of(object: &DynamicObject) -> Option<Self> {
        let spec = &object.data["spec"];
        if spec["generate"] != json!(true) {
            return None;
        }
        let duration = |text: &Value| text.as_str().and_then(|text| text.parse::<SignedDuration>().ok());
        Some(Self {
            secret: spec["secretRef"]["name"].as_str()?.to_owned(),
            every: duration(&spec["rotation"]["every"]),
            overlap: duration(&spec["rotation"]["overlap"]).unwrap_or(SignedDuration::from_hours(24)),
        })
    }

    fn secret(&self, owner: &DynamicObject, key: &str, before: Option<&Held>, now: Timestamp) -> Value {
        let mut data = json!({"key": key, "sha256": sha256(key), "madeAt": clock::text(now)});
        if let Some(before) = before
            && let Ok(end) = now.checked_add(self.overlap)
        {
            data["previousSHA256"] = before.sha256.clone().into();
            data["previousNotAfter"] = clock::text(end).into();
        }
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": TYPE,
            "metadata": {
                "name": self.secret,
                "labels": {"app.kubernetes.io/managed-by": "fairlead-operator"},
                "ownerReferences": [{
                    "apiVersion": format!("{}/{}", crds::GROUP, crds::VERSION),
                    "kind": "APIKey",
                    "name": owner.metadata.name,
                    "uid": owner.metadata.uid,
                    "controller": true,
                }],
            },
            "stringData": data,
        })
    }
}

/// `fl-` and 192 random bits.
fn generated() -> anyhow::Result<String> {
    use base64::Engine;
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(format!("fl-{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)))
}

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked {
        let (every, overlap) = (Some(SignedDuration::from_hours(24)), SignedDuration::from_hours(1));
        Asked { secret: "k".into(), every, overlap }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("in range")
    }

    #[test]
    fn a_key_is_rotated_when_its_time_has_come() {
        let held = Held { key: "a".into(), sha256: sha256("a"), made: Some(at(0)) };
        assert!(!held.is_due(&asked(), at(86_399)));
        assert!(held.is_due(&asked(), at(86_400)));
        let damaged = Held { sha256: sha256("b"), ..held };
        assert!(damaged.is_due(&asked(), at(0)));
    }

    #[test]
    fn the_key_before_counts_for_the_overlap() {
        let held = Held { key: "a".into(), sha256: sha256("a"), made: Some(at(0)) };
        let owner: DynamicObject =
            serde_json::from_value(json!({"metadata": {"name": "k", "uid": "u"}})).expect("object");
        let secret = asked().secret(&owner, "b", Some(&held), at(86_400));
        let data = &secret["stringData"];
        assert_eq!((&data["sha256"], &data["previousSHA256"]), (&json!(sha256("b")), &json!(sha256("a"))));
        assert_eq!(data["previousNotAfter"], "1970-01-02T01:00:00Z");
        assert_eq!(secret["type"], TYPE);
    }

    #[test]
    fn generated_keys_are_long_and_differ() {
        let (one, other) = (generated().expect("random"), generated().expect("random"));
        assert!(one.len() > 30 && one.starts_with("fl-") && one != other);
    }
}
