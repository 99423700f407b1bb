//! The proxies that fetch configuration, and what each of them has acknowledged. Pure: time is given.

mod catalogs;
mod recall;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use config::delivery::{
    Ack, Applied, FromOperator, Hello, MAX_FRAME_BYTES, Outcome, Rejected, Report, SnapshotFrame, Welcome,
};
use config::snapshot::{Delta, diff};
use config::{EntryId, GatewayId, Hash, Health, IR, Snapshot};

use crate::delivery::fleet::catalogs::Catalogs;
use crate::guard::Held;

/// Snapshots to which a difference can be sent; older ones cost a full snapshot.
const REMEMBERED: usize = 16;
/// A proxy that acknowledges nothing for so long is stale.
pub(crate) const STALE_AFTER: Duration = Duration::from_secs(30);
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(10);
const REFUSED: &str = "it refuses the snapshot as a whole; its log says why";
/// What a status can hold of a proxy's words, in characters.
const MESSAGE: usize = 1024;
const REASON: usize = 64;

/// Time since any beginning.
pub(crate) type Time = Duration;

/// All gateways with their proxies.
#[derive(Default)]
pub(crate) struct Fleet {
    epoch: u64,
    gateways: BTreeMap<GatewayId, Gateway>,
    sessions: u64,
}

/// What one gateway is served, and to whom.
#[derive(Default)]
struct Gateway {
    current: Option<Published>,
    remembered: VecDeque<Arc<Snapshot>>,
    /// In which sequence an entry got the content that it has.
    changed: BTreeMap<EntryId, u64>,
    proxies: BTreeMap<String, Proxy>,
    /// What its proxies are asked for; nothing is sent to them meanwhile.
    recall: Option<recall::Recall>,
    disconnect_timeout: Duration,
}

struct Published {
    sequence: u64,
    snapshot: Arc<Snapshot>,
}

/// One proxy, while it is connected and for a while after.
#[derive(Default)]
struct Proxy {
    session: String,
    connected: bool,
    lost_at: Option<Time>,
    serving: bool,
    /// What it has acknowledged last.
    acked: Option<Applied>,
    /// Whether it has acknowledged anything in this session: what it told the one before may not have arrived.
    is_heard: bool,
    /// Whether it ever has.
    is_known: bool,
    /// What was sent and not acknowledged yet.
    sent: Option<(u64, Time)>,
    /// Whether it was asked for entries, in this session.
    is_asked: bool,
    rejected: Vec<Rejected>,
    /// How upstreams fare, as it sees them.
    health: BTreeMap<EntryId, Health>,
    /// What MCP servers listed to it, and when it said so first.
    catalogs: Catalogs,
    /// The snapshot that it refused as a whole, and in which session.
    refused: Option<(Hash, String)>,
    /// When it told what it rejects.
    told_at: Time,
}

/// What a proxy could not run, and when it said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) proxy: String,
    pub(crate) at: Time,
    pub(crate) what: Rejected,
}

/// How far the content of one entry has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Every serving proxy runs it.
    Everywhere,
    /// There is no serving proxy.
    NoProxies,
    /// A proxy could not build it.
    Rejected { proxy: String, message: String },
    /// A proxy has not acknowledged it yet.
    Pending { proxy: String },
    /// A proxy is connected and has acknowledged nothing for long.
    Stale { proxy: String },
    /// A proxy that may still serve has lost its connection.
    Disconnected { proxy: String },
    /// Nothing is published, since the gateway is paused.
    Paused,
    /// The gateway serves what was removed, until somebody lets it go.
    RemovalHeld(Held),
}

/// Figures of a gateway, for its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) hash: Option<Hash>,
    pub(crate) epoch: u64,
    pub(crate) sequence: u64,
    pub(crate) connected: usize,
    pub(crate) applied: usize,
    pub(crate) rejected: usize,
    pub(crate) stale: usize,
    pub(crate) last_rejections: Vec<Rejection>,
}

impl Fleet {
    /// Begins a term of leadership. Proxies refuse what a lower epoch says.
    pub(crate) fn lead(&mut self, epoch: u64) {
        self.epoch = self.epoch.max(epoch);
    }

    /// Tells whether a term has begun, so that proxies may be spoken to.
    pub(crate) fn has_term(&self) -> bool {
        self.epoch > 0
    }

    /// Publishes what each gateway serves; gateways that are not named are gone. True if anything changed.
    pub(crate) fn publish(&mut self, snapshots: &BTreeMap<GatewayId, (Arc<Snapshot>, Duration)>) -> bool {
        let mut changed = false;
        for (id, (snapshot, timeout)) in snapshots {
            let gateway = self.gateways.entry(id.clone()).or_default();
            gateway.disconnect_timeout = *timeout;
            changed |= gateway.publish(snapshot);
        }
        let before = self.gateways.len();
        self.gateways.retain(|id, _| snapshots.contains_key(id));
        changed || before != self.gateways.len()
    }

    /// A proxy connects. A proxy of the same name that was here before is replaced; what it rejected stays rejected until
    /// it says something else.
    pub(crate) fn hello(&mut self, hello: &Hello) -> FromOperator {
        self.sessions += 1;
        let session = format!("s_{}_{}", self.epoch, self.sessions);
        let gateway = self.gateways.entry(hello.gateway.clone()).or_default();
        let before = gateway.proxies.remove(&hello.proxy);
        let proxy = Proxy {
            session: session.clone(),
            connected: true,
            lost_at: None,
            acked: hello.applied,
            is_heard: false,
            sent: None,
            is_asked: false,
            ..before.unwrap_or_default()
        };
        gateway.proxies.insert(hello.proxy.clone(), proxy);
        let heartbeat_seconds = HEARTBEAT.as_secs();
        FromOperator::Welcome(Welcome { session, epoch: self.epoch, ir: IR, heartbeat_seconds })
    }

    /// The frames that a session needs now; one snapshot is on its way at a time.
    pub(crate) fn next(&mut self, gateway: &GatewayId, session: &str, now: Time) -> Vec<FromOperator> {
        let epoch = self.epoch;
        let Some(gateway) = self.gateways.get_mut(gateway) else { return drain("GatewayDeleted") };
        gateway.next(session, epoch, now).unwrap_or_else(|| drain("Replaced"))
    }

    /// A proxy tells what became of a snapshot. False if nobody has that session.
    pub(crate) fn ack(&mut self, gateway: &GatewayId, ack: Ack, now: Time) -> bool {
        let Some(gateway) = self.gateways.get_mut(gateway) else { return false };
        let current = gateway.current.as_ref().map(|current| Arc::clone(&current.snapshot));
        let is_served = |id: &EntryId| current.as_ref().is_some_and(|served| served.entries.contains_key(id));
        let Some((_, proxy)) = gateway.proxy(&ack.session) else { return false };
        (proxy.serving, proxy.sent) = (ack.serving, None);
        (proxy.is_heard, proxy.is_known) = (true, true);
        proxy.rejected = ack.rejected.into_iter().filter(|one| is_served(&one.id)).map(clipped).collect();
        proxy.told_at = now;
        let is_refused = ack.result == Outcome::Rejected;
        proxy.refused = is_refused.then(|| (ack.applied.hash, ack.session.clone()));
        if !is_refused {
            proxy.acked = Some(ack.applied);
        }
        true
    }

    /// A proxy lives. Tells whether that changes anything; `None` if nobody has that session.
    pub(crate) fn report(&mut self, gateway: &GatewayId, report: Report, now: Time) -> Option<bool> {
        let gateway = self.gateways.get_mut(gateway)?;
        let listed = gateway.take_catalogs(&report.session, report.catalogs, now);
        let current = gateway.current.as_ref().map(|current| Arc::clone(&current.snapshot));
        let is_served = |id: &EntryId| current.as_ref().is_some_and(|served| served.entries.contains_key(id));
        let (_, proxy) = gateway.proxy(&report.session)?;
        let served_before = std::mem::replace(&mut proxy.serving, report.serving);
        let mut changed = listed || served_before != report.serving;
        if let Some(seen) = report.health {
            let seen = seen.into_iter().filter(|seen| is_served(&seen.id));
            let health = seen.map(|seen| (seen.id, seen.state)).collect();
            changed |= proxy.health != health;
            proxy.health = health;
        }
        Some(changed)
    }

    /// How the upstream of an entry fares at the proxies of a gateway: the worst, with the proxy that tells it; `None` if none
    /// has seen enough.
    pub(crate) fn health(&self, gateway: &GatewayId, entry: &EntryId) -> Option<(&str, Health)> {
        let serving = self.gateways.get(gateway)?.proxies.iter().filter(|(_, proxy)| proxy.serving);
        let seen = serving.filter_map(|(name, proxy)| Some((name.as_str(), *proxy.health.get(entry)?)));
        seen.min_by_key(|(_, health)| *health == Health::Healthy)
    }

    /// A stream has ended.
    pub(crate) fn gone(&mut self, gateway: &GatewayId, session: &str, now: Time) {
        if let Some((_, proxy)) = self.gateways.get_mut(gateway).and_then(|gateway| gateway.proxy(session)) {
            proxy.connected = false;
            proxy.lost_at = Some(now);
        }
    }

    /// Forgets proxies that have been away for longer than their gateway allows.
    pub(crate) fn tick(&mut self, now: Time) {
        for gateway in self.gateways.values_mut() {
            let timeout = gateway.disconnect_timeout;
            let stays = |proxy: &Proxy| proxy.lost_at.is_none_or(|lost| now.saturating_sub(lost) < timeout);
            gateway.proxies.retain(|_, proxy| stays(proxy));
        }
    }

    /// How far an entry has come at one gateway; `None` if the gateway does not serve that content.
    pub(crate) fn progress(
        &self,
        gateway: &GatewayId,
        entry: &EntryId,
        hash: &Hash,
        now: Time,
    ) -> Option<Progress> {
        let gateway = self.gateways.get(gateway)?;
        let current = gateway.current.as_ref()?;
        current.snapshot.entries.get(entry).filter(|known| known.hash == *hash)?;
        Some(gateway.progress(entry, hash, self.epoch, now))
    }

    pub(crate) fn figures(&self, gateway: &GatewayId, now: Time) -> Figures {
        let Some(gateway) = self.gateways.get(gateway) else { return Figures::default() };
        let current = gateway.current.as_ref();
        let is_current = |proxy: &Proxy| {
            proxy.acked.map(|acked| acked.hash) == current.map(|current| current.snapshot.hash)
        };
        let count =
            |which: &dyn Fn(&Proxy) -> bool| gateway.proxies.values().filter(|proxy| which(proxy)).count();
        let rejections = gateway.proxies.iter().flat_map(|(name, proxy)| proxy.rejections(name));
        Figures {
            hash: current.map(|current| current.snapshot.hash),
            epoch: self.epoch,
            sequence: current.map_or(0, |current| current.sequence),
            connected: count(&|proxy| proxy.connected),
            applied: count(&is_current),
            rejected: count(&|proxy| !proxy.rejected.is_empty() || proxy.refused.is_some()),
            stale: count(&|proxy| proxy.is_stale(now)),
            last_rejections: rejections.take(10).collect(),
        }
    }

    /// The figures of every gateway.
    pub(crate) fn all(&self, now: Time) -> Vec<(GatewayId, Figures)> {
        self.gateways.keys().map(|id| (id.clone(), self.figures(id, now))).collect()
    }

    /// The gateway of a session.
    pub(crate) fn gateway_of(&self, session: &str) -> Option<GatewayId> {
        let has = |gateway: &Gateway| gateway.proxies.values().any(|proxy| proxy.session == session);
        self.gateways.iter().find(|(_, gateway)| has(gateway)).map(|(id, _)| id.clone())
    }

    /// What a gateway serves.
    pub(crate) fn current(&self, gateway: &GatewayId) -> Option<(u64, Arc<Snapshot>)> {
        let current = self.gateways.get(gateway)?.current.as_ref()?;
        Some((current.sequence, Arc::clone(&current.snapshot)))
    }
}

impl Gateway {
    fn publish(&mut self, snapshot: &Arc<Snapshot>) -> bool {
        let (sequence, before) = match &self.current {
            Some(current) if current.snapshot.hash == snapshot.hash => return false,
            Some(current) => (current.sequence + 1, Some(Arc::clone(&current.snapshot))),
            None => (1, None),
        };
        let known = |id: &EntryId| before.as_ref().and_then(|before| before.entries.get(id));
        for (id, entry) in &snapshot.entries {
            if known(id).is_none_or(|known| known.hash != entry.hash) {
                self.changed.insert(id.clone(), sequence);
            }
        }
        self.changed.retain(|id, _| snapshot.entries.contains_key(id));
        self.remembered.extend(before);
        while self.remembered.len() > REMEMBERED {
            self.remembered.pop_front();
        }
        self.current = Some(Published { sequence, snapshot: Arc::clone(snapshot) });
        true
    }

    fn proxy(&mut self, session: &str) -> Option<(&String, &mut Proxy)> {
        self.proxies.iter_mut().find(|(_, proxy)| proxy.session == session)
    }

    /// `None` if the session was replaced.
    fn next(&mut self, session: &str, epoch: u64, now: Time) -> Option<Vec<FromOperator>> {
        if self.recall.is_some() {
            return self.ask(session);
        }
        let proxy = self.proxies.values().find(|proxy| proxy.session == session)?;
        let Some(current) = &self.current else { return Some(Vec::new()) };
        let (sequence, hash) = (current.sequence, current.snapshot.hash);
        let applied = Applied { hash, epoch, sequence };
        // What was refused as a whole is sent again to another session of the proxy alone.
        let is_refused =
            proxy.refused.as_ref().is_some_and(|(refused, by)| *refused == hash && by == session);
        if proxy.sent.is_some() || (proxy.is_heard && proxy.acked == Some(applied)) || is_refused {
            return Some(Vec::new());
        }
        let has = proxy.acked.map(|acked| acked.hash);
        let frames = if has == Some(hash) {
            vec![FromOperator::Current(applied)]
        } else {
            let base = has.and_then(|has| self.remembered.iter().find(|known| known.hash == has));
            let delta =
                base.map_or_else(|| Delta::full(&current.snapshot), |base| diff(base, &current.snapshot));
            let cut = SnapshotFrame::cut(applied, delta, MAX_FRAME_BYTES / 2);
            cut.into_iter().map(|frame| FromOperator::Snapshot(Box::new(frame))).collect()
        };
        let (_, proxy) = self.proxy(session)?;
        proxy.sent = Some((sequence, now));
        Some(frames)
    }

    fn progress(&self, entry: &EntryId, hash: &Hash, epoch: u64, now: Time) -> Progress {
        let serving = || self.proxies.iter().filter(|(_, proxy)| proxy.serving);
        if serving().next().is_none() {
            return Progress::NoProxies;
        }
        let rejection =
            |proxy: &Proxy| proxy.rejected.iter().find(|one| one.id == *entry && one.hash == *hash).cloned();
        if let Some((name, rejected)) = serving().find_map(|(name, proxy)| Some((name, rejection(proxy)?))) {
            return Progress::Rejected { proxy: name.clone(), message: rejected.message };
        }
        let changed = self.changed.get(entry).copied().unwrap_or_default();
        let current = self.current.as_ref().map(|current| current.snapshot.hash);
        let is_behind = |proxy: &Proxy| match proxy.acked {
            Some(acked) if Some(acked.hash) == current => !proxy.is_known,
            Some(acked) => acked.epoch != epoch || acked.sequence < changed,
            None => true,
        };
        let Some((name, proxy)) = serving().find(|(_, proxy)| is_behind(proxy)) else {
            return Progress::Everywhere;
        };
        let proxy_name = name.clone();
        if !proxy.connected {
            Progress::Disconnected { proxy: proxy_name }
        } else if proxy.refused.as_ref().is_some_and(|(refused, _)| Some(*refused) == current) {
            Progress::Rejected { proxy: proxy_name, message: REFUSED.to_owned() }
        } else if proxy.is_stale(now) {
            Progress::Stale { proxy: proxy_name }
        } else {
            Progress::Pending { proxy: proxy_name }
        }
    }
}

impl Proxy {
    fn rejections(&self, name: &str) -> impl Iterator<Item = Rejection> {
        let at = self.told_at;
        self.rejected.iter().map(move |what| Rejection { proxy: name.to_owned(), at, what: what.clone() })
    }

    fn is_stale(&self, now: Time) -> bool {
        self.sent.is_some_and(|(_, at)| now.saturating_sub(at) >= STALE_AFTER)
    }
}

/// What a status can hold of it.
fn clipped(one: Rejected) -> Rejected {
    let clip = |text: String, most: usize| text.chars().take(most).collect();
    Rejected { message: clip(one.message, MESSAGE), reason: clip(one.reason, REASON), ..one }
}

fn drain(reason: &str) -> Vec<FromOperator> {
    vec![FromOperator::Drain { reason: reason.to_owned() }]
}

#[cfg(test)]
mod tests;
