//! Configuration from an operator: one long stream of snapshots, acknowledged one by one. With the operator away, what runs
//! goes on, and a process that starts takes what it ran last from its disk.

mod assembly;
pub mod last_good;
mod link;
mod told;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use config::delivery::{
    Ack, Applied, Catalog, FromOperator, FromProxy, Hello, Observed, Outcome, Recalled, Rejected, Report,
};
use config::{EntryId, GatewayId, IR, Snapshot};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::live::Live;
use crate::live::stream::assembly::Assembly;
use crate::live::stream::last_good::LastGood;
use crate::live::stream::link::Link;
use crate::live::stream::told::Told;

/// Where configuration comes from.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Such as `https://fairlead-operator.fairlead-system.svc:8443`.
    pub operator: String,
    pub gateway: GatewayId,
    /// Certificates by which the operator is known; those of the system without.
    pub ca: Option<PathBuf>,
    /// The token by which the operator knows this process; read again for every stream.
    pub token: PathBuf,
    /// Names this process, for people.
    pub proxy: String,
    pub last_good: LastGood,
}

/// How long a start waits for the operator before it takes what it ran last.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// How long one try may take once the disk had nothing.
const PATIENCE: Duration = Duration::from_secs(30);
/// The size of one report of many entries; the operator takes reports of twice that.
const PIECE_BYTES: usize = 512 << 10;
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(15);

/// Follows one gateway.
pub struct Follower {
    settings: Settings,
    link: Link,
    assembly: Assembly,
    /// The highest epoch that was seen; what an earlier leader says is refused.
    epoch: u64,
    /// Entries of what runs that could not be built.
    rejected: Vec<Rejected>,
    /// What the operator has been told of MCP servers.
    told: Told,
}

/// What runs, and since when; for acknowledgements and the status.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    pub applied: Applied,
    pub from_disk: bool,
}

impl Follower {
    /// Prepares the connection.
    ///
    /// Errors: certificates that cannot be used.
    pub fn new(settings: Settings) -> anyhow::Result<Self> {
        let link = Link::new(&settings)?;
        Ok(Self {
            settings,
            link,
            assembly: Assembly::default(),
            epoch: 0,
            rejected: Vec::new(),
            told: Told::default(),
        })
    }

    /// Waits for the first snapshot: from the operator, or from the disk if the operator does not answer in time.
    ///
    /// Errors: `stop` came first.
    pub async fn first(&mut self, live: &Live, stop: &CancellationToken) -> anyhow::Result<()> {
        let (began, mut told) = (Instant::now(), String::new());
        while began.elapsed() < FIRST_WAIT {
            let patience = FIRST_WAIT.saturating_sub(began.elapsed());
            if self.attempt(live, patience, stop, &mut told).await? {
                return Ok(());
            }
            sleep(SHORTEST).await;
        }
        if self.serve_last_good(live) {
            return Ok(());
        }
        let mut pause = SHORTEST;
        while !self.attempt(live, PATIENCE, stop, &mut told).await? {
            pause = (pause * 2).min(LONGEST);
            tokio::select! {
                () = sleep(live.jitter(pause)) => {}
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }

    /// One try to have a first snapshot. What goes wrong is logged once, until it is something else.
    async fn attempt(
        &mut self,
        live: &Live,
        patience: Duration,
        stop: &CancellationToken,
        told: &mut String,
    ) -> anyhow::Result<bool> {
        let error = match timeout(patience, self.converse(live, true, stop)).await {
            Ok(Ok(())) if live.running().is_some() => return Ok(true),
            Ok(Ok(())) => "the operator ended the stream before there was a configuration".to_owned(),
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => "the operator does not answer in time".to_owned(),
        };
        anyhow::ensure!(!stop.is_cancelled(), "stopped before there was a configuration");
        if *told != error {
            warn!(error, "Waiting for a configuration");
            *told = error;
        }
        Ok(live.running().is_some())
    }

    fn serve_last_good(&mut self, live: &Live) -> bool {
        match self.settings.last_good.read(&self.settings.gateway) {
            Ok(Some((applied, snapshot))) => {
                warn!(hash = %snapshot.hash, "The operator does not answer; serving the last configuration from disk");
                self.epoch = applied.epoch;
                self.assembly.begin_with(Arc::clone(&snapshot));
                self.run(live, &snapshot, Running { applied, from_disk: true });
                true
            }
            Ok(None) => false,
            Err(error) => {
                error!(error = format!("{error:#}"), "The configuration on disk cannot be used");
                false
            }
        }
    }

    /// Follows the operator until `stop`, from one connection to the next.
    pub async fn follow(mut self, live: &Live, stop: CancellationToken) {
        let mut pause = SHORTEST;
        while !stop.is_cancelled() {
            let began = Instant::now();
            if let Err(error) = self.converse(live, false, &stop).await {
                warn!(error = format!("{error:#}"), "No connection to the operator; what runs goes on");
            }
            pause = if began.elapsed() > LONGEST { SHORTEST } else { (pause * 2).min(LONGEST) };
            tokio::select! {
                () = sleep(live.jitter(pause)) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// One stream, to its end; or to the first snapshot that runs.
    async fn converse(
        &mut self,
        live: &Live,
        until_first: bool,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let applied = live.running().map(|running| running.applied);
        let hello = Hello {
            proxy: self.settings.proxy.clone(),
            gateway: self.settings.gateway.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ir: vec![IR],
            applied: applied.filter(|applied| self.assembly.has(&applied.hash)),
        };
        let mut frames = self.link.open(&hello).await?;
        let mut session = String::new();
        loop {
            let frame = tokio::select! {
                frame = frames.next() => frame?,
                () = stop.cancelled() => return Ok(()),
            };
            let Some(frame) = frame else { return Ok(()) };
            if let FromOperator::Welcome(welcome) = &frame {
                anyhow::ensure!(welcome.epoch >= self.epoch, "the operator speaks for an earlier epoch");
                self.epoch = welcome.epoch;
                session.clone_from(&welcome.session);
                frames.set_heartbeat(Duration::from_secs(welcome.heartbeat_seconds));
            }
            self.take(live, frame, &session).await?;
            if until_first && live.running().is_some() {
                return Ok(());
            }
        }
    }

    async fn take(&mut self, live: &Live, frame: FromOperator, session: &str) -> anyhow::Result<()> {
        match frame {
            FromOperator::Welcome(_) => Ok(()),
            FromOperator::NotLeader { leader } => {
                anyhow::bail!(
                    "that replica does not lead; {}",
                    leader.unwrap_or_else(|| "nobody else is named".into())
                )
            }
            FromOperator::Drain { reason } => anyhow::bail!("the operator has ended the stream: {reason}"),
            FromOperator::Ping => self.report(live, session).await,
            FromOperator::Recall { ids } => self.give_back(session, &ids).await,
            FromOperator::Current(applied) => {
                live.note(applied);
                self.acknowledge(session, applied).await?;
                self.report(live, session).await
            }
            FromOperator::Snapshot(frame) => {
                let applied = frame.applied;
                match self.assembly.take(*frame) {
                    Ok(None) => Ok(()),
                    Ok(Some(snapshot)) => self.apply(live, session, applied, &snapshot).await,
                    Err(error) => {
                        error!(%error, "A snapshot is refused as a whole; what runs goes on");
                        self.assembly.forget();
                        self.ack(session, applied, (Outcome::Rejected, Vec::new())).await?;
                        anyhow::bail!("asking for everything again")
                    }
                }
            }
        }
    }

    /// Gives the operator what it has lost.
    async fn give_back(&self, session: &str, ids: &[EntryId]) -> anyhow::Result<()> {
        let Some(received) = self.assembly.received() else { return Ok(()) };
        for piece in Recalled::of(received, ids, session, PIECE_BYTES) {
            info!(entries = piece.entries.len(), "Giving the operator what it asks for");
            self.link.tell(&FromProxy::Recalled(piece)).await?;
        }
        Ok(())
    }

    async fn apply(
        &mut self,
        live: &Live,
        session: &str,
        applied: Applied,
        snapshot: &Arc<Snapshot>,
    ) -> anyhow::Result<()> {
        self.run(live, snapshot, Running { applied, from_disk: false });
        info!(hash = %snapshot.hash, sequence = applied.sequence, "Configuration applied");
        // Kept before it is acknowledged: what is called programmed survives a crash.
        if let Err(error) = self.settings.last_good.write(&self.settings.gateway, applied, snapshot) {
            warn!(error = format!("{error:#}"), "Cannot keep the configuration on disk");
        }
        self.acknowledge(session, applied).await?;
        // Lists may be those of another content by now, or differ from other pins.
        let due = self.told.due(session, &live.load());
        if due.is_empty() { Ok(()) } else { self.tell(live, session, due).await }
    }

    /// Runs a snapshot, and remembers what of it cannot be built.
    fn run(&mut self, live: &Live, snapshot: &Snapshot, running: Running) {
        let told = live.apply(snapshot, running).into_iter().filter_map(|one| {
            let entry = snapshot.entries.get(&one.entry)?;
            let (id, hash, generation) = (entry.id.clone(), entry.hash, entry.generation);
            Some(Rejected { id, hash, generation, reason: "BuildFailed".into(), message: one.message })
        });
        self.rejected = told.collect();
    }

    /// Says what runs, and what of it does not: to every leader that asks.
    async fn acknowledge(&self, session: &str, applied: Applied) -> anyhow::Result<()> {
        let result = if self.rejected.is_empty() { Outcome::Applied } else { Outcome::Partial };
        self.ack(session, applied, (result, self.rejected.clone())).await
    }

    async fn ack(
        &self,
        session: &str,
        applied: Applied,
        (result, rejected): (Outcome, Vec<Rejected>),
    ) -> anyhow::Result<()> {
        let ack = Ack { session: session.to_owned(), applied, result, serving: true, rejected };
        self.link.tell(&FromProxy::Ack(ack)).await
    }

    async fn report(&mut self, live: &Live, session: &str) -> anyhow::Result<()> {
        let mut due = self.told.due(session, &live.load());
        if due.is_empty() {
            due.push(Vec::new());
        }
        self.tell(live, session, due).await
    }

    /// One report for each piece.
    async fn tell(&self, live: &Live, session: &str, pieces: Vec<Vec<Catalog>>) -> anyhow::Result<()> {
        let runtime = live.load();
        let seen = runtime.health().into_iter();
        let mut health = Some(seen.map(|(id, state)| Observed { id: id.clone(), state }).collect());
        for catalogs in pieces {
            let (session, serving, health) = (session.to_owned(), live.running().is_some(), health.take());
            let report = Report { session, serving, inflight: 0, health, catalogs };
            self.link.tell(&FromProxy::Report(report)).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
