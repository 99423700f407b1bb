//! A cluster that knows our kinds.

use std::path::{Path, PathBuf};

use anyhow::Context;
use regression::harness::kube::Cluster;
use serde_json::Value;
use tokio::sync::OnceCell;

static APPLIED: OnceCell<()> = OnceCell::const_new();

/// The shared cluster with all definitions in place, or `None` where there is no API server.
pub(crate) async fn cluster() -> anyhow::Result<Option<&'static Cluster>> {
    let Some(cluster) = Cluster::shared().await? else { return Ok(None) };
    APPLIED.get_or_try_init(|| cluster.define()).await?;
    Ok(Some(cluster))
}

/// The definitions as they lie in `crds/yaml`.
pub(crate) fn definitions() -> anyhow::Result<Vec<Value>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder().join("yaml"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    let parse = |path: &PathBuf| {
        let text = std::fs::read_to_string(path)?;
        serde_saphyr::from_str(&text).with_context(|| path.display().to_string())
    };
    files.iter().map(parse).collect()
}

/// The package `crds`.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("crds")
}
