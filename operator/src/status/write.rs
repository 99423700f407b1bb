//! Writes statuses: only what differs, bad news first, at a bounded rate, and only while this replica leads.

use std::collections::BTreeMap;
use std::time::Duration;

use config::ObjectId;
use futures_util::future::join_all;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, warn};

use crate::clock;
use crate::status::conditions::{is_same, timed};
use crate::status::events::Events;
use crate::watch::resource;

/// The field manager of statuses.
const MANAGER: &str = "fairlead-operator/status";
const PATIENCE: Duration = Duration::from_secs(5);
/// The time that a write has to itself, on average: 50 a second.
const PACE: Duration = Duration::from_millis(20);
/// Writes on their way at a time; the claim to lead is checked before them.
pub(crate) const AT_ONCE: usize = 10;
/// How long a status that could not be written is left alone: one that the API server refuses, and any other.
const REFUSED: Duration = Duration::from_secs(30);
const FAILED: Duration = Duration::from_secs(1);
/// For how long a write counts although the watch has not shown it yet.
const ECHO: Duration = Duration::from_secs(5);

/// What was written, until the watch shows it.
pub(crate) struct Writer {
    target: Target,
    written: BTreeMap<ObjectId, (Instant, Map<String, Value>)>,
    /// Until when statuses that could not be written are left alone.
    resting: BTreeMap<ObjectId, Instant>,
}

/// Where statuses go, and the events about them.
struct Target {
    client: Client,
    events: Events,
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
    pub(crate) fn is_bad(&self) -> bool {
        let conditions = self.status.get("conditions").and_then(Value::as_array);
        conditions.is_some_and(|all| all.iter().any(|one| one["type"] == "Ready" && one["status"] == "False"))
    }
}

impl Writer {
    pub(crate) fn new(client: Client, identity: &str) -> Self {
        let events = Events::new(client.clone(), identity);
        Self { target: Target { client, events }, written: BTreeMap::new(), resting: BTreeMap::new() }
    }

    /// Lets the watch have the last word about what was written some time ago.
    pub(crate) fn forget_echoes(&mut self) {
        self.written.retain(|_, (at, _)| at.elapsed() < ECHO);
        self.resting.retain(|_, until| *until > Instant::now());
    }

    /// Tells whether a status has to be written: it differs from what the watch shows, and was not written a moment ago.
    pub(crate) fn is_due(&self, id: &ObjectId, status: &Map<String, Value>, before: &Value) -> bool {
        if self.resting.contains_key(id) {
            return false;
        }
        let echoes = self.written.get(id).is_some_and(|(_, written)| written == status);
        !echoes && !is_same(status, before)
    }

    /// Writes statuses, all at once. Those that cannot be written are due again after a while, so that they keep no others up.
    pub(crate) async fn write(&mut self, wanted: Vec<Wanted>) {
        let until = Instant::now() + PACE * u32::try_from(wanted.len()).unwrap_or(u32::MAX);
        let written = join_all(wanted.into_iter().map(|wanted| self.target.write(wanted))).await;
        for (id, status) in written {
            match status {
                Ok(status) => drop(self.written.insert(id, (Instant::now(), status))),
                Err(rest) => drop(self.resting.insert(id, Instant::now() + rest)),
            }
        }
        sleep_until(until).await;
    }
}

impl Target {
    /// Writes one status and tells what changed. Returns what was written, or how long it is to be left alone.
    async fn write(&self, wanted: Wanted) -> (ObjectId, Result<Map<String, Value>, Duration>) {
        let written = self.patch(&wanted).await;
        (wanted.id, written.map(|()| wanted.status))
    }

    async fn patch(&self, wanted: &Wanted) -> Result<(), Duration> {
        let kind = crds::KINDS.iter().find(|kind| kind.name == wanted.id.kind).ok_or(REFUSED)?;
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &wanted.id.namespace, &resource(kind));
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
            Ok(Ok(object)) => {
                debug!(object = %wanted.id, "Status written");
                self.events.tell(kind, &object, &wanted.before).await;
                return Ok(());
            }
            Ok(Err(kube::Error::Api(error))) if error.code == 404 => {}
            Ok(Err(kube::Error::Api(error))) if (400..409).contains(&error.code) || error.code == 422 => {
                warn!(object = %wanted.id, %error, "A status is refused");
                return Err(REFUSED);
            }
            Ok(Err(error)) => warn!(object = %wanted.id, %error, "Cannot write a status"),
            Err(_) => warn!(object = %wanted.id, "Writing a status takes too long"),
        }
        Err(FAILED)
    }
}
