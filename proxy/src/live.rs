//! What is served: configuration is read or received, compiled, built beside the old one, and swapped as a whole.

pub mod build;
pub mod builtins;
pub mod files;
mod health;
pub mod load;
pub mod local;
mod policies;
pub mod resolve;
pub mod search;
pub mod servers;
pub mod stream;
pub mod why;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use config::delivery::Applied;
use config::manifest::Finding;
use config::{GatewayId, Snapshot};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::app::App;
use crate::live::build::{Frame, Rejected, Runtime};
use crate::live::files::Files;
use crate::live::load::Loader;
use crate::live::stream::Running;

/// What the process may reach beyond what objects say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reaches {
    /// Models on this machine.
    pub loopback: bool,
    /// Model names of the form `https://host/v1@model`.
    pub url_models: bool,
}

/// The runtime of the moment, and how it came to be.
pub struct Live {
    runtime: ArcSwap<Runtime>,
    frame: Frame,
    source: Source,
    state: Mutex<State>,
    jitter: AtomicU64,
}

/// Where configuration comes from.
enum Source {
    Files(Files),
    Stream(GatewayId),
}

/// What was read last, and what could not be.
#[derive(Default)]
struct State {
    loader: Loader,
    rejected: Vec<Rejected>,
    /// Why the newest files are not served at all.
    errors: Vec<String>,
    running: Option<Running>,
}

impl Live {
    /// Reads, compiles and builds for the first time.
    ///
    /// Errors: a path cannot be read, or a file holds no objects; an object that is wrong does not stop the start.
    pub fn of_files(files: Files, gateway: Option<GatewayId>, frame: Frame) -> anyhow::Result<Self> {
        let mut loader = Loader::of(gateway);
        let loaded = loader.load(&files)?;
        let snapshot = loaded.map_err(|findings| anyhow::anyhow!("{}", lines(&findings).join("\n")))?;
        let (runtime, rejected) = Runtime::build(&snapshot, None, &frame);
        warn_of(&loader, &rejected);
        let state = State { loader, rejected, ..State::default() };
        Ok(Self::new(runtime, frame, Source::Files(files), state))
    }

    /// Starts with nothing, until the operator sends something.
    pub fn of_stream(gateway: GatewayId, frame: Frame) -> Self {
        let (runtime, _) = Runtime::build(&Snapshot::empty(), None, &frame);
        Self::new(runtime, frame, Source::Stream(gateway), State::default())
    }

    fn new(runtime: Runtime, frame: Frame, source: Source, state: State) -> Self {
        let (runtime, state) = (ArcSwap::from_pointee(runtime), Mutex::new(state));
        Self { runtime, frame, source, state, jitter: AtomicU64::new(u64::from(std::process::id())) }
    }

    /// The runtime of the moment; who holds it keeps it.
    pub fn load(&self) -> Arc<Runtime> {
        self.runtime.load_full()
    }

    /// Connections to MCP servers.
    pub fn servers(&self) -> &tools::mcp::Pool {
        &self.frame.servers
    }

    /// The hash of the snapshot that is served.
    pub fn hash(&self) -> String {
        self.runtime.load().hash.clone()
    }

    /// Swaps in what was received, and tells which entries could not be built. Requests in flight keep what they have.
    pub fn apply(&self, snapshot: &Snapshot, running: Running) -> Vec<Rejected> {
        let mut state = self.state.lock();
        self.swap(&mut state, snapshot);
        state.running = Some(running);
        state.rejected.clone()
    }

    /// What runs is what the operator serves.
    pub fn note(&self, applied: Applied) {
        self.state.lock().running = Some(Running { applied, from_disk: false });
    }

    /// What was received and runs.
    pub fn running(&self) -> Option<Running> {
        self.state.lock().running
    }

    /// A part of `most`, another one each time, so that proxies do not come back all at once.
    pub fn jitter(&self, most: Duration) -> Duration {
        let mixed = self
            .jitter
            .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed)
            .wrapping_mul(0xbf58_476d_1ce4_e5b9);
        most.mul_f64(f64::from(u32::try_from(mixed >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX))
    }

    /// Every object with its conditions, and what cannot be served.
    pub fn status(&self) -> Value {
        let state = self.state.lock();
        let rejected = state.rejected.iter().map(|one| json!({"entry": one.entry, "message": one.message}));
        json!({
            "source": self.source_word(&state),
            "hash": self.hash(),
            "delivery": state.running.map(|running| running.applied),
            "errors": state.errors,
            "findings": lines(&state.loader.findings()),
            "warnings": lines(state.loader.warnings()),
            "rejected": rejected.collect::<Vec<_>>(),
            "objects": state.loader.objects(&self.runtime.load()),
        })
    }

    fn source_word(&self, state: &State) -> String {
        match &self.source {
            Source::Files(files) if files.any() => "files".to_owned(),
            Source::Files(_) => "built-in".to_owned(),
            Source::Stream(gateway) if state.running.is_some_and(|running| running.from_disk) => {
                format!("disk ({gateway})")
            }
            Source::Stream(gateway) => format!("stream ({gateway})"),
        }
    }

    /// Reads everything again. What cannot be read as a whole changes nothing.
    fn reload(&self) {
        let Source::Files(files) = &self.source else { return };
        let mut state = self.state.lock();
        let (said, had_errors) = (lines(&state.loader.findings()), !state.errors.is_empty());
        state.errors = match state.loader.load(files) {
            // Other files may lie beside these, and be written to for each line of the log.
            Ok(Ok(snapshot))
                if !had_errors && self.is_served(&snapshot) && said == lines(&state.loader.findings()) =>
            {
                return;
            }
            Ok(Ok(snapshot)) => {
                self.swap(&mut state, &snapshot);
                info!(hash = %snapshot.hash, "Configuration applied");
                return;
            }
            Ok(Err(findings)) => lines(&findings),
            Err(error) => vec![format!("{error:#}")],
        };
        for error in &state.errors {
            error!(%error, "Cannot read the configuration; what was served before goes on");
        }
    }

    fn is_served(&self, snapshot: &Snapshot) -> bool {
        self.runtime.load().hash == snapshot.hash.to_string()
    }

    fn swap(&self, state: &mut State, snapshot: &Snapshot) {
        let before = self.runtime.load_full();
        let (runtime, rejected) = Runtime::build(snapshot, Some(&before), &self.frame);
        warn_of(&state.loader, &rejected);
        let runtime = Arc::new(runtime);
        self.runtime.store(Arc::clone(&runtime));
        // Afterwards, so that only requests that have begun may still connect with what was.
        before.servers_gone(&runtime).for_each(|id| self.frame.servers.forget(id.as_str()));
        (state.rejected, state.errors) = (rejected, Vec::new());
    }
}

/// Changes that come together are read together.
const SETTLE: Duration = Duration::from_millis(50);

/// Follows changes of the files until `stop`.
pub async fn watch(app: Arc<App>, stop: CancellationToken) {
    let Source::Files(files) = &app.live.source else { return };
    if !files.any() {
        return;
    }
    let (_watch, mut changes) = match files.watch() {
        Ok(watching) => watching,
        Err(error) => {
            error!(error = format!("{error:#}"), "Cannot watch the configuration; changes need a restart");
            return;
        }
    };
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            changed = changes.recv() => if changed.is_none() { return },
        }
        tokio::time::sleep(SETTLE).await;
        // What has come meanwhile is read below.
        while changes.try_recv().is_ok() {}
        let app = Arc::clone(&app);
        if let Err(error) = tokio::task::spawn_blocking(move || app.live.reload()).await {
            error!(%error, "The configuration could not be applied");
        }
    }
}

fn lines(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

fn warn_of(loader: &Loader, rejected: &[Rejected]) {
    for finding in loader.findings() {
        warn!(%finding, "An object is not served as it is written");
    }
    for warning in loader.warnings() {
        warn!(%warning, "A part of an object has no effect");
    }
    for one in rejected {
        warn!(entry = %one.entry, message = one.message, "An entry cannot be used");
    }
}
