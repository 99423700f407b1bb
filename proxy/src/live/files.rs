//! The configuration on disk: which files, what they say, and when they change.

use std::path::{Path, PathBuf};

use anyhow::Context;
use config::manifest::Source;
use notify::{RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::boot::Environment;

/// The paths of `--config` and the environment that Secrets may name.
#[derive(Clone)]
pub struct Files {
    paths: Vec<PathBuf>,
    environment: Environment,
}

impl Files {
    /// Remembers where to look.
    pub fn new(paths: Vec<PathBuf>, environment: Environment) -> Self {
        Self { paths, environment }
    }

    /// Reads every YAML file of the paths, sorted by path; `-` is standard input.
    ///
    /// Errors: a path cannot be read, or is no UTF-8.
    pub fn collect(&self) -> anyhow::Result<Vec<Source>> {
        let mut found = Vec::new();
        for path in &self.paths {
            if path.as_os_str() == "-" {
                let text = std::io::read_to_string(std::io::stdin()).context("cannot read standard input")?;
                found.push(Source { path: path.display().to_string(), text });
            } else {
                gather(path, true, &mut found)?;
            }
        }
        Ok(found)
    }

    /// A variable of the environment at the start.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    /// The content of a file that a Secret names.
    pub fn content(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(path).ok()
    }

    /// True if there is anything to watch.
    pub fn any(&self) -> bool {
        !self.paths.is_empty()
    }

    /// Watches the paths; a message means that something changed. The watch ends when the guard is dropped.
    ///
    /// Errors: the operating system refuses the watch.
    pub fn watch(&self) -> anyhow::Result<(Watch, mpsc::Receiver<()>)> {
        let (changed, changes) = mpsc::channel(1);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                // A full channel has told of the change already.
                let _ = changed.try_send(());
            }
        })?;
        for path in self.paths.iter().filter(|path| path.as_os_str() != "-") {
            let folder = if path.is_dir() { path.as_path() } else { path.parent().unwrap_or(path) };
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            let watched = watcher.watch(folder, RecursiveMode::Recursive);
            watched.with_context(|| format!("cannot watch {}", folder.display()))?;
        }
        Ok((Watch(watcher), changes))
    }
}

/// Keeps a watch going.
pub struct Watch(#[expect(dead_code, reason = "dropping it ends the watch")] notify::RecommendedWatcher);

/// `named` files are read whatever they are called; of a folder only YAML and JSON.
fn gather(path: &Path, named: bool, found: &mut Vec<Source>) -> anyhow::Result<()> {
    if !path.is_dir() {
        let known = path.extension().is_some_and(|kind| kind == "yaml" || kind == "yml" || kind == "json");
        if named || known {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            found.push(Source { path: path.display().to_string(), text });
        }
        return Ok(());
    }
    let entries = std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut inside: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    inside.retain(|path| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.')));
    inside.sort();
    inside.iter().try_for_each(|path| gather(path, false, found))
}
