//! Namespaces, and identities in them.

use std::path::PathBuf;

use serde_json::json;

use super::{Cluster, Kubectl};

impl Cluster {
    /// Makes a namespace that no other test has.
    ///
    /// Errors: as [`Cluster::kubectl`].
    pub async fn namespace(&self) -> anyhow::Result<String> {
        let name = format!("test-{}", self.number());
        self.kubectl(&["create", "namespace", &name]).await?;
        Ok(name)
    }

    /// A token of a ServiceAccount, which is made where it is missing. It is good for an hour.
    ///
    /// Errors: as [`Cluster::kubectl`]; the namespace must be there.
    pub async fn service_account_token(&self, of: (&str, &str), audience: &str) -> anyhow::Result<String> {
        let (namespace, name) = of;
        let metadata = json!({"namespace": namespace, "name": name});
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata});
        self.kubectl_stdin(&["apply", "--server-side", "--filename", "-"], &account.to_string()).await?;
        let request = ["create", "token", name, "--namespace", namespace, "--audience", audience];
        let token = self.kubectl(&[&request[..], &["--duration", "1h"]].concat()).await?;
        Ok(token.trim().to_owned())
    }

    /// Writes a kubeconfig with this token.
    ///
    /// Errors: it cannot be written.
    pub fn kubeconfig_for(&self, token: &str) -> anyhow::Result<PathBuf> {
        self.folder.kubeconfig(&format!("holder-{}", self.number()), self.ports.api, token)
    }

    /// kubectl with this token.
    ///
    /// Errors: as [`Cluster::kubeconfig_for`].
    pub fn holder_of(&self, token: &str) -> anyhow::Result<Kubectl> {
        Ok(Kubectl::new(self.assets.program("kubectl"), self.kubeconfig_for(token)?))
    }
}
