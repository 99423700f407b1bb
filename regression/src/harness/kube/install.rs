//! What users apply first: the definitions, and what the operator runs with.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Cluster;

impl Cluster {
    /// Applies `crds/yaml` as a user does and waits until it is in force; a warning of the server is an error.
    ///
    /// Errors: as [`Cluster::kubectl`].
    pub async fn define(&self) -> anyhow::Result<()> {
        let every = root().join("crds/yaml");
        let every = text(&every)?;
        self.kubectl(&["apply", "--server-side", "--warnings-as-errors", "--filename", every]).await?;
        let wait = ["wait", "--for", "condition=Established", "--timeout", "60s", "--filename", every];
        self.kubectl(&wait).await?;
        Ok(())
    }

    /// Applies the manifest of the operator: its namespace, its account and its rights.
    ///
    /// Errors: as [`Cluster::kubectl`].
    pub async fn authorize_operator(&self) -> anyhow::Result<()> {
        let path = root().join("examples/kubernetes/00-operator.yaml");
        self.kubectl(&["apply", "--server-side", "--filename", text(&path)?]).await?;
        Ok(())
    }

    /// Takes the Lease from an operator that was killed and has not let go of it.
    ///
    /// Errors: as [`Cluster::kubectl`].
    pub async fn release_lease(&self) -> anyhow::Result<()> {
        let delete = ["delete", "lease", "fairlead-operator", "--namespace", "fairlead-system"];
        self.kubectl(&[&delete[..], &["--ignore-not-found"]].concat()).await?;
        Ok(())
    }
}

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("")
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("the clone lies where no text leads")
}
