//! Writes statuses: only what differs, bad news first, at a bounded rate, and only while this replica leads.

use std::collections::BTreeMap;
use std::time::Duration;

use config::ObjectId;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

use crate::clock;
use crate::status::conditions::{is_same, timed};
use crate::watch::resource;

/// The field manager of statuses.
const MANAGER: &str = "fairlead-operator/status";
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two writes.
const PAUSE: Duration = Duration::from_millis(20);
/// For how long a write counts although the watch has not shown it yet.
const ECHO: Duration = Duration::from_secs(5);

/// What was written, until the watch shows it.
#[derive(Default)]
pub(crate) struct Writer {
    written: BTreeMap<ObjectId, (Instant, Map<String, Value>)>,
}

/// A status that an object shall have.
pub(crate) struct Wanted {
    pub(crate) id: ObjectId,
    /// Without times.
    pub(crate) status: Map<String, Value>,
    /// What the object's status is, as the watch showed it.
    pub(crate) before: Value,
}

impl Wanted {
    /// True if the object is not ready.
    fn is_bad(&self) -> bool {
        let conditions = self.status.get("conditions").and_then(Value::as_array);
        conditions.is_some_and(|all| all.iter().any(|one| one["type"] == "Ready" && one["status"] == "False"))
    }
}

impl Writer {
    /// Keeps what has to be written, bad news first.
    pub(crate) fn due(&mut self, wanted: Vec<Wanted>) -> Vec<Wanted> {
        self.written.retain(|_, (at, _)| at.elapsed() < ECHO);
        let is_due = |wanted: &Wanted| {
            let echoes = self.written.get(&wanted.id).is_some_and(|(_, status)| *status == wanted.status);
            !echoes && !is_same(&wanted.status, &wanted.before)
        };
        let mut due: Vec<Wanted> = wanted.into_iter().filter(is_due).collect();
        due.sort_by_key(|wanted| !wanted.is_bad());
        due
    }

    /// Writes one status. One that cannot be written is due again.
    pub(crate) async fn write(&mut self, client: &Client, wanted: Wanted) {
        let Some(kind) = crds::KINDS.iter().find(|kind| kind.name == wanted.id.kind) else { return };
        let api: Api<DynamicObject> =
            Api::namespaced_with(client.clone(), &wanted.id.namespace, &resource(kind));
        let status = timed(wanted.status.clone(), &wanted.before, &clock::text(clock::now()));
        let patch = json!({
            "apiVersion": format!("{}/{}", crds::GROUP, crds::VERSION),
            "kind": wanted.id.kind,
            "metadata": {"name": wanted.id.name},
            "status": status,
        });
        let params = PatchParams::apply(MANAGER).force();
        let written =
            timeout(PATIENCE, api.patch_status(&wanted.id.name, &params, &Patch::Apply(patch))).await;
        match written {
            Ok(Ok(_)) => {
                debug!(object = %wanted.id, "Status written");
                self.written.insert(wanted.id, (Instant::now(), wanted.status));
            }
            Ok(Err(kube::Error::Api(error))) if error.code == 404 => {}
            Ok(Err(error)) => warn!(object = %wanted.id, %error, "Cannot write a status"),
            Err(_) => warn!(object = %wanted.id, "Writing a status takes too long"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
