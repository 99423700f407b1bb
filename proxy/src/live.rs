//! What is served: configuration is read, compiled, built beside the old one, and swapped as a whole.

pub mod build;
pub mod files;
pub mod load;
pub mod resolve;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use config::Snapshot;
use config::manifest::Finding;
use http::HeaderMap;
use parking_lot::Mutex;
use protocol::error::ApiError;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::app::App;
use crate::live::build::{Rejected, Runtime};
use crate::live::files::Files;
use crate::live::load::Loader;
use crate::live::resolve::Resolution;

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
    files: Files,
    reaches: Reaches,
    source: Mutex<Source>,
}

/// What was read last, and what could not be.
struct Source {
    loader: Loader,
    rejected: Vec<Rejected>,
    /// Why the newest files are not served at all.
    errors: Vec<String>,
}

impl Live {
    /// Reads, compiles and builds for the first time.
    ///
    /// Errors: a path cannot be read, or a file holds no objects; an object that is wrong does not stop the start.
    pub fn start(files: Files, reaches: Reaches) -> anyhow::Result<Self> {
        let mut loader = Loader::default();
        let loaded = loader.load(&files)?;
        let snapshot = loaded.map_err(|findings| anyhow::anyhow!("{}", lines(&findings).join("\n")))?;
        let (runtime, rejected) = Runtime::build(&snapshot, None, reaches);
        warn_of(&loader, &rejected);
        let source = Mutex::new(Source { loader, rejected, errors: Vec::new() });
        Ok(Self { runtime: ArcSwap::from_pointee(runtime), files, reaches, source })
    }

    /// The runtime of the moment; who holds it keeps it.
    pub fn load(&self) -> Arc<Runtime> {
        self.runtime.load_full()
    }

    /// The hash of the snapshot that is served.
    pub fn hash(&self) -> String {
        self.runtime.load().hash.clone()
    }

    /// Finds a model; see [`Runtime::resolve`].
    ///
    /// Errors: as there.
    pub fn resolve(&self, name: &str, headers: &HeaderMap) -> Result<Resolution, ApiError> {
        self.runtime.load().resolve(name, headers)
    }

    /// Every object with its conditions, and what cannot be served.
    pub fn status(&self) -> Value {
        let source = self.source.lock();
        let rejected = source.rejected.iter().map(|one| json!({"entry": one.entry, "message": one.message}));
        json!({
            "source": if self.files.any() { "files" } else { "built-in" },
            "hash": self.hash(),
            "errors": source.errors,
            "findings": lines(&source.loader.findings()),
            "rejected": rejected.collect::<Vec<_>>(),
            "objects": source.loader.objects(),
        })
    }

    /// Reads everything again. What cannot be read as a whole changes nothing; requests in flight keep what they have.
    fn reload(&self) {
        let mut source = self.source.lock();
        source.errors = match source.loader.load(&self.files) {
            Ok(Ok(snapshot)) => return self.apply(&mut source, &snapshot),
            Ok(Err(findings)) => lines(&findings),
            Err(error) => vec![format!("{error:#}")],
        };
        for error in &source.errors {
            error!(%error, "Cannot read the configuration; what was served before goes on");
        }
    }

    fn apply(&self, source: &mut Source, snapshot: &Snapshot) {
        let before = self.runtime.load_full();
        let (runtime, rejected) = Runtime::build(snapshot, Some(&before), self.reaches);
        warn_of(&source.loader, &rejected);
        info!(hash = %runtime.hash, "Configuration applied");
        self.runtime.store(Arc::new(runtime));
        (source.rejected, source.errors) = (rejected, Vec::new());
    }
}

/// Changes that come together are read together.
const SETTLE: Duration = Duration::from_millis(50);

/// Follows changes of the files until `stop`.
pub async fn watch(app: Arc<App>, stop: CancellationToken) {
    if !app.live.files.any() {
        return;
    }
    let (_watch, mut changes) = match app.live.files.watch() {
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
    for one in rejected {
        warn!(entry = %one.entry, message = one.message, "An entry cannot be used");
    }
}
