//! The loop: take in what the watches show, compile it once it is quiet, publish it, and say so in statuses.

mod observed;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use config::{Diagnostics, EntryId, GatewayId, HashKey, ObjectId, Serving};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use kube::Client;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error, info, warn};

use crate::admin::Unlisted;
use crate::cli::Run;
use crate::clock;
use crate::cluster::{Cluster, Effect};
use crate::cluster_keys;
use crate::delivery::fleet::Progress;
use crate::delivery::hub::Hub;
use crate::engine::observed::FINDING;
use crate::guard::Guarded;
use crate::hash_key;
use crate::keys::Keys;
use crate::leader::{Claim, Term};
use crate::recall::Recall;
use crate::status::conditions::{self, Reached};
use crate::status::write::{AT_ONCE, Wanted, Writer};
use crate::watch::Shown;

/// How long it must be quiet before changes are compiled.
const QUIET: Duration = Duration::from_millis(20);
/// The longest time that a change waits for others.
const LONGEST: Duration = Duration::from_millis(250);
/// How long a status waits for the acknowledgements of its generation, so that one write tells all.
const ACKS: Duration = Duration::from_millis(500);
/// How often statuses are looked at without a reason: proxies that vanish make no sound.
const TICK: Duration = Duration::from_secs(5);
/// How often is looked for what proxies give back.
const RECALLING: Duration = Duration::from_millis(200);
/// How many statuses are written before what is new is looked at.
const BATCH: usize = 25;
/// How long statuses that wait to be written count as what they shall be.
const FRESH: Duration = Duration::from_secs(1);

/// What watches have shown and the loop has not taken in yet.
const SHOWN: usize = 4096;

/// Everything that the loop works with.
pub(crate) struct Engine {
    pub(crate) client: Client,
    pub(crate) hub: Arc<Hub>,
    pub(crate) cluster: Cluster,
    pub(crate) claim: Claim,
    pub(crate) keys: Keys,
    cluster_keys: cluster_keys::Known,
    /// Where the operator runs, and keeps its own Secret.
    namespace: String,
    hash_key: Option<HashKey>,
    guarded: Guarded,
    writer: Writer,
    /// The statuses that wait to be written, and when they were looked for.
    queue: (Option<Instant>, VecDeque<Wanted>),
    /// Since when an object waits for acknowledgements.
    waiting: BTreeMap<ObjectId, Instant>,
    /// Whether this replica has chosen its epoch.
    leads: bool,
    /// The begin of its term, or of the process.
    led_since: Instant,
    /// Whether it has led, and asked proxies for what it never saw.
    has_recalled: bool,
    /// What proxies are asked for before anything is sent to them.
    recall: Option<Recall>,
    /// Whether a value that was wanted could not be fetched: it is tried again.
    is_partial: bool,
    /// Whether what was compiled last waits for a good claim to lead.
    is_held_back: bool,
}

impl Engine {
    pub(crate) fn new(client: Client, hub: Arc<Hub>, claim: Claim, settings: &Run) -> Self {
        Self {
            writer: Writer::new(client.clone(), &settings.identity),
            keys: Keys::new(client.clone()),
            cluster_keys: cluster_keys::Known::default(),
            namespace: settings.namespace.clone(),
            hash_key: None,
            client,
            hub,
            cluster: Cluster::new(),
            claim,
            guarded: Guarded::default(),
            queue: (None, VecDeque::new()),
            waiting: BTreeMap::new(),
            leads: false,
            led_since: Instant::now(),
            has_recalled: false,
            recall: None,
            is_partial: false,
            is_held_back: false,
        }
    }

    /// Runs until the watches end, which they do not.
    pub(crate) async fn run(mut self, shown: BoxStream<'static, Shown>, unlisted: watch::Sender<Unlisted>) {
        let (sender, mut events) = mpsc::channel(SHOWN);
        let mut watching = JoinSet::new();
        watching.spawn(pass_on(shown, sender));
        let (mut bell, mut leads) = (self.hub.bell(), self.hub.leads.subscribe());
        let mut dirty: Option<(Instant, Instant)> = None;
        let mut look_at = Instant::now() + TICK;
        loop {
            let due = dirty.map(|(first, last)| (first + LONGEST).min(last + QUIET));
            tokio::select! {
                event = events.recv() => {
                    let Some(event) = event else { return };
                    let now = Instant::now();
                    match self.take_all(event, &mut events) {
                        Effect::Nothing => {}
                        Effect::Statuses => look_at = look_at.min(now + QUIET),
                        Effect::Compile => dirty = Some((dirty.map_or(now, |(first, _)| first), now)),
                    }
                    let missing = self.cluster.unlisted();
                    self.hub.set_synced(missing.is_empty());
                    unlisted.send_replace(missing);
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    dirty = None;
                    if self.cluster.unlisted().is_empty() {
                        self.publish().await;
                        look_at = Instant::now();
                    }
                }
                _ = bell.changed() => look_at = look_at.min(Instant::now() + QUIET),
                _ = leads.changed() => {
                    (self.leads, self.recall, self.queue.0) = (false, None, None);
                    look_at = Instant::now();
                }
                () = sleep_until(look_at) => {
                    let is_listed = self.cluster.unlisted().is_empty();
                    let is_due = self.hash_key.is_none() || self.is_partial;
                    if is_listed && (is_due || self.cluster_keys.refresh(&self.client).await) {
                        self.publish().await;
                    }
                    if self.is_held_back {
                        self.offer().await;
                    }
                    self.recollect().await;
                    look_at = self.tell().await;
                }
            }
        }
    }

    /// Takes in all that is there: to write statuses in between would let the watches fall behind.
    fn take_all(&mut self, first: Shown, more: &mut mpsc::Receiver<Shown>) -> Effect {
        let mut effect = self.take(first);
        while let Ok(event) = more.try_recv() {
            effect = effect.max(self.take(event));
        }
        effect
    }

    /// Takes in what a watch shows.
    fn take(&mut self, event: Shown) -> Effect {
        match event {
            Ok(seen) => return self.cluster.apply(seen),
            Err(failed) if failed.is_harmless() => {
                debug!(kind = failed.kind, error = %failed.error, "Not watched");
            }
            Err(failed) => warn!(kind = failed.kind, error = %failed.error, "Cannot watch"),
        }
        Effect::Nothing
    }

    /// Fetches, compiles, and hands to the streams.
    async fn publish(&mut self) {
        let Some(hash_key) = self.hash_key().await else { return };
        let mut world = self.cluster.world();
        world.hash_key = hash_key;
        let marks = self.cluster.marks();
        self.cluster.wanted = self.guarded.prepare(&mut world, &marks, self.hub.now());
        let mut is_whole = self.cluster.secrets.gather(&self.client, &self.cluster.wanted).await;
        world.secrets = self.cluster.secrets.world();
        is_whole &= self.cluster.config_maps.gather(&self.client, &self.cluster.wanted).await;
        self.is_partial = !is_whole;
        world.config_maps = self.cluster.config_maps.world();
        self.cluster_keys.refresh(&self.client).await;
        world.cluster_keys = self.cluster_keys.keys();
        let began = Instant::now();
        self.guarded.compile(&world, &marks);
        debug!(elapsed_ms = began.elapsed().as_millis(), objects = world.objects.len(), "Compiled");
        self.queue.0 = None; // what waits to be written may not be so any more
        self.offer().await;
    }

    /// The key of the hashes of secrets. Without it nothing is compiled, and it is looked for again.
    async fn hash_key(&mut self) -> Option<HashKey> {
        if self.hash_key.is_none() {
            match hash_key::find(&self.client, &self.namespace).await {
                Ok(key) => self.hash_key = Some(key),
                Err(error) => {
                    warn!(error = format!("{error:#}"), "Nothing is published without the key of hashes");
                }
            }
        }
        self.hash_key.clone()
    }

    /// Hands what was compiled to the streams: as the leader only while the claim to lead is good. A replica that follows
    /// keeps its own hub up to date, which serves nobody before it leads.
    async fn offer(&mut self) {
        self.is_held_back = !self.lead().await && *self.hub.leads.borrow();
        if self.is_held_back {
            warn!("The claim to lead cannot be shown; what is new waits");
        } else {
            self.hub.publish(&self.guarded.published());
        }
    }

    /// Begins a term: its epoch is higher than any that a proxy has seen. True while this replica leads.
    async fn lead(&mut self) -> bool {
        if !*self.hub.leads.borrow() || self.hash_key.is_none() {
            self.leads = false;
            return false;
        }
        let Some(term) = self.claim.check().await else { return false };
        if !self.leads {
            self.begin(term);
        }
        true
    }

    fn begin(&mut self, term: Term) {
        let shown = self.cluster.by_id();
        let told = shown.values().filter_map(|object| object.data["status"]["delivery"]["epoch"].as_u64());
        let epoch = term.transitions.max(told.max().unwrap_or_default()) + 1;
        let is_paused = |gateway: &GatewayId| self.guarded.is_paused(gateway);
        let recall = Recall::of(self.guarded.compiled(), &shown, (&is_paused, self.hub.now()));
        self.recall = recall.filter(|_| !self.has_recalled);
        self.hub.publish(&self.guarded.published());
        self.hub.change(|fleet, _| {
            fleet.release();
            for (gateway, ids) in self.recall.iter().flat_map(Recall::asked) {
                info!(%gateway, entries = ids.len(), "Asking proxies for what they serve and is not known here");
                fleet.recall(gateway, ids);
            }
            fleet.lead(epoch);
        });
        info!(epoch, "This replica leads");
        (self.leads, self.led_since) = (true, Instant::now());
        self.has_recalled = self.recall.is_none();
    }

    /// Takes what proxies have given back; once there is nothing more to wait for, publishes.
    async fn recollect(&mut self) {
        if !self.leads {
            return;
        }
        let (Some(recall), Some(hash_key)) = (&mut self.recall, &self.hash_key) else { return };
        for (gateway, told) in self.hub.with(|fleet, _| fleet.take_recalled()) {
            for found in recall.take(&gateway, told, hash_key) {
                info!(object = %found.id, %gateway, "A proxy gave back what it serves");
                self.guarded.recall(found);
            }
        }
        if !recall.is_over(self.hub.now()) {
            return;
        }
        let missing = recall.missing();
        self.publish().await;
        if self.is_held_back {
            return;
        }
        if missing > 0 {
            warn!(entries = missing, "No proxy gave back what was served before");
        }
        (self.recall, self.has_recalled) = (None, true);
        self.hub.change(|fleet, _| fleet.release());
    }

    /// Writes statuses and keys, as the leader. Returns when to look again.
    async fn tell(&mut self) -> Instant {
        let later = Instant::now() + TICK;
        if !self.cluster.unlisted().is_empty() || !self.lead().await {
            return later;
        }
        if self.recall.is_some() {
            return Instant::now() + RECALLING;
        }
        self.hub.with(|fleet, now| fleet.tick(now));
        let looked = self.look();
        let batch = self.queue.1.len().min(BATCH);
        let mut due = self.queue.1.drain(..batch).collect::<Vec<_>>().into_iter().peekable();
        while due.peek().is_some() {
            if self.claim.check().await.is_none() {
                error!("The claim to lead has lapsed; nothing more is written");
                return later;
            }
            self.writer.write(due.by_ref().take(AT_ONCE).collect()).await;
        }
        self.keys.reconcile(&self.cluster, self.guarded.compiled()).await;
        match looked {
            Some(soon) if self.queue.1.is_empty() => soon.unwrap_or(later).min(later),
            Some(_) | None => Instant::now(),
        }
    }

    /// Looks for statuses that have to be written, and says when some are due that still wait. `None` where there are many and
    /// it has just looked: then they are written first.
    fn look(&mut self) -> Option<Option<Instant>> {
        let is_fresh = self.queue.0.is_some_and(|at| at.elapsed() < FRESH);
        if is_fresh && !self.queue.1.is_empty() {
            return None;
        }
        let (due, soon) = self.due();
        self.queue = (Some(Instant::now()), due.into());
        Some(soon)
    }

    /// The statuses that have to be written, bad news first, and when those are due that still wait for acknowledgements.
    fn due(&mut self) -> (Vec<Wanted>, Option<Instant>) {
        let (mut wanted, mut soon, now) = (Vec::new(), None, Instant::now());
        let shown = self.cluster.by_id();
        self.writer.forget_echoes();
        let waiting = std::mem::take(&mut self.waiting);
        for (id, about) in &self.guarded.compiled().diagnostics {
            let Some(before) = shown.get(id).map(|object| &object.data["status"]) else { continue };
            let reached = self.reached(id);
            let is_new = before["observedGeneration"].as_i64() != Some(about.generation);
            if self.is_young()
                && !is_new
                && self.stands(id, about, before)
                && conditions::is_unheard(&reached)
            {
                let end = self.led_since + FINDING;
                soon = Some(soon.map_or(end, |soon: Instant| soon.min(end)));
                continue;
            }
            if is_new && conditions::is_pending(&reached) {
                let since = waiting.get(id).copied().unwrap_or(now);
                if now < since + ACKS {
                    self.waiting.insert(id.clone(), since);
                    soon = Some(soon.map_or(since + ACKS, |soon: Instant| soon.min(since + ACKS)));
                    continue;
                }
            }
            let listed = self.listed(id, about, before);
            let mut status = conditions::status(about, &reached, self.effective(id), &listed.mismatches);
            if let Some(Value::Array(conditions)) = status.get_mut("conditions") {
                conditions.extend(self.healthy(id, about, before));
                listed.extend(conditions);
            }
            status.extend(self.more(id));
            status.extend(listed.fields);
            if self.writer.is_due(id, &status, before) {
                wanted.push(Wanted { id: id.clone(), status, before: before.clone() });
            }
        }
        wanted.sort_by_key(|wanted| !wanted.is_bad());
        (wanted, soon)
    }

    /// How far an object has come at each gateway that serves it.
    fn reached(&self, id: &ObjectId) -> Reached {
        let entry = EntryId::of(id);
        let Some(about) = self.guarded.compiled().diagnostics.get(id) else { return Reached::new() };
        let own = GatewayId::new(&id.namespace, &id.name);
        let itself = (id.kind == "ResponsesGateway").then_some((&own, about.serving));
        if let (Some(_), Some(standing)) = (itself, self.standing(&own)) {
            return vec![(own, Some(standing))];
        }
        let attached = about.gateways.iter().filter(|(_, attachment)| !attachment.is_refused());
        let attached = attached.map(|(gateway, attachment)| (gateway, attachment.serving));
        let progress = |(gateway, serving): (&GatewayId, Option<Serving>)| {
            let progress = serving.and_then(|serving| {
                self.hub.with(|fleet, now| fleet.progress(gateway, &entry, &serving.hash, now))
            });
            let paused = || self.guarded.is_paused(gateway).then_some(Progress::Paused);
            (gateway.clone(), progress.or_else(paused))
        };
        itself.into_iter().chain(attached).map(progress).collect()
    }

    /// Whether the status says that proxies serve what is still served, and nothing else than what is found now.
    fn stands(&self, id: &ObjectId, about: &Diagnostics, before: &Value) -> bool {
        let known = before["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let says = |name: &str, status: bool| {
            let status = if status { "True" } else { "False" };
            known.iter().any(|one| one["type"] == name && one["status"] == status)
        };
        let is_found = about.conditions().iter().all(|one| says(one.name, one.status));
        let served = self.guarded.serving(id).map(|serving| serving.hash.to_string());
        is_found
            && says("Programmed", true)
            && served.as_deref() == before["effective"]["contentHash"].as_str()
    }

    /// What holds a gateway back from what it is asked to serve.
    fn standing(&self, gateway: &GatewayId) -> Option<Progress> {
        let held = || self.guarded.held(gateway).cloned().map(Progress::RemovalHeld);
        self.guarded.is_paused(gateway).then_some(Progress::Paused).or_else(held)
    }

    fn effective(&self, id: &ObjectId) -> Option<Value> {
        let serving = self.guarded.serving(id)?;
        let entry = EntryId::of(id);
        let served =
            self.guarded.compiled().snapshots.values().find_map(|snapshot| snapshot.entries.get(&entry));
        let name = served.and_then(|served| served.spec.public_name()).unwrap_or(&id.name);
        Some(json!({
            "name": name,
            "contentHash": serving.hash,
            "servingGeneration": serving.generation,
        }))
    }

    /// What only some kinds say.
    fn more(&self, id: &ObjectId) -> Vec<(String, Value)> {
        match id.kind.as_str() {
            "ResponsesGateway" => {
                let gateway = GatewayId::new(&id.namespace, &id.name);
                let figures = self.hub.with(|fleet, now| fleet.figures(&gateway, now));
                let attached = self
                    .guarded
                    .compiled()
                    .snapshots
                    .get(&gateway)
                    .map_or(0, |snapshot| snapshot.entries.len() - 1);
                let rejections: Vec<Value> = figures
                    .last_rejections
                    .iter()
                    .map(|one| {
                        let time = clock::text(self.hub.time_of_day(one.at));
                        let what = &one.what;
                        json!({"proxy": one.proxy, "id": what.id, "reason": what.reason, "message": what.message, "time": time})
                    })
                    .collect();
                let delivery = json!({
                    "hash": figures.hash,
                    "epoch": figures.epoch,
                    "sequence": figures.sequence,
                    "proxies": {
                        "connected": figures.connected,
                        "applied": figures.applied,
                        "rejected": figures.rejected,
                        "stale": figures.stale,
                    },
                    "lastRejections": rejections,
                });
                vec![("delivery".to_owned(), delivery), ("attachedObjects".to_owned(), attached.into())]
            }
            "APIKey" => self.keys.status(id, self.guarded.compiled()),
            _ => Vec::new(),
        }
    }
}

/// Lets the watches go on while statuses are written.
async fn pass_on(mut shown: BoxStream<'static, Shown>, sender: mpsc::Sender<Shown>) {
    while let Some(event) = shown.next().await {
        if sender.send(event).await.is_err() {
            return;
        }
    }
}
