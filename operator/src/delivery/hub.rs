//! What the parts of the operator share about delivery.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use config::{GatewayId, Snapshot};
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::clock;
use crate::delivery::fleet::{Fleet, Time};

/// The fleet with a bell that rings when it changed.
pub(crate) struct Hub {
    fleet: Mutex<Fleet>,
    bell: watch::Sender<u64>,
    began: Instant,
    began_at: Timestamp,
    /// Whether this replica leads, and may publish.
    pub(crate) leads: watch::Sender<bool>,
    /// Whether every kind has been listed once.
    pub(crate) is_synced: watch::Sender<bool>,
}

impl Hub {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            fleet: Mutex::default(),
            bell: watch::Sender::new(0),
            began: Instant::now(),
            began_at: clock::now(),
            leads: watch::Sender::new(false),
            is_synced: watch::Sender::new(false),
        })
    }

    /// Time since the start.
    pub(crate) fn now(&self) -> Time {
        self.began.elapsed()
    }

    /// The time of day of a moment; the same moment always has the same.
    pub(crate) fn time_of_day(&self, moment: Time) -> Timestamp {
        self.began_at + moment
    }

    /// Tells whether every kind has been listed once.
    pub(crate) fn set_synced(&self, is_synced: bool) {
        self.is_synced.send_if_modified(|known| std::mem::replace(known, is_synced) != is_synced);
    }

    /// Looks at the fleet.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut Fleet, Time) -> T) -> T {
        look(&mut self.fleet.lock(), self.now())
    }

    /// Changes the fleet and rings the bell.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Fleet, Time) -> T) -> T {
        let result = self.with(change);
        self.ring();
        result
    }

    /// Tells that the fleet has changed.
    pub(crate) fn ring(&self) {
        self.bell.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Rings whenever the fleet changes.
    pub(crate) fn bell(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }

    /// Publishes what was compiled.
    pub(crate) fn publish(&self, snapshots: &BTreeMap<GatewayId, Arc<Snapshot>>) {
        let named =
            snapshots.iter().map(|(id, snapshot)| (id.clone(), (Arc::clone(snapshot), timeout(snapshot))));
        let named = named.collect();
        if self.with(|fleet, _| fleet.publish(&named)) {
            self.ring();
        }
    }
}

/// How long a proxy that has vanished counts as serving.
fn timeout(snapshot: &Snapshot) -> Duration {
    Duration::from_millis(snapshot.gateway().map_or(60_000, |gateway| gateway.disconnect_timeout_ms))
}
