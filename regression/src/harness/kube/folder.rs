//! The files of a cluster.

use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use super::audit;

/// A folder of its own; its keeper removes it.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder with the admin's token, the key that signs the tokens of ServiceAccounts, and what is to be logged.
    pub(super) fn make() -> anyhow::Result<Self> {
        let folder = Self(tempfile::Builder::new().prefix("fairlead-kube-").tempdir()?.keep());
        let made = folder.fill();
        if made.is_err() {
            std::fs::remove_dir_all(&folder.0)?;
        }
        made.map(|()| folder)
    }

    fn fill(&self) -> anyhow::Result<()> {
        std::fs::write(self.token(), random()?)?;
        let token = std::fs::read_to_string(self.token())?;
        std::fs::write(self.tokens(), format!("{token},admin,admin,\"system:masters\"\n"))?;
        std::fs::write(self.audit_policy(), audit::POLICY)?;
        std::fs::write(self.audit_log(), "")?;
        let mut openssl = Command::new("openssl");
        let key = openssl.arg("genrsa").arg("-out").arg(self.key()).arg("2048").output();
        let key = key.context("cannot run openssl, which makes the key of ServiceAccounts")?;
        ensure!(key.status.success(), "openssl: {}", String::from_utf8_lossy(&key.stderr));
        Ok(())
    }

    /// Writes a kubeconfig with a bearer token, in a file of this name.
    pub(super) fn kubeconfig(&self, name: &str, api: SocketAddr, token: &str) -> anyhow::Result<PathBuf> {
        let (path, ca) = (self.0.join(format!("{name}.kubeconfig")), self.certificate());
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: it\n\
             clusters:\n- {{name: it, cluster: {{server: 'https://{api}', certificate-authority: '{}'}}}}\n\
             users:\n- {{name: it, user: {{token: '{token}'}}}}\n\
             contexts:\n- {{name: it, context: {{cluster: it, user: it}}}}\n",
            ca.display()
        );
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The token of the admin.
    pub(super) fn token(&self) -> PathBuf {
        self.0.join("token")
    }

    pub(super) fn tokens(&self) -> PathBuf {
        self.0.join("tokens.csv")
    }

    pub(super) fn key(&self) -> PathBuf {
        self.0.join("service-accounts.key")
    }

    pub(super) fn audit_policy(&self) -> PathBuf {
        self.0.join("audit-policy.yaml")
    }

    pub(super) fn audit_log(&self) -> PathBuf {
        self.0.join("audit.log")
    }

    /// Where the API server keeps the certificate that it makes for itself.
    pub(super) fn certificates(&self) -> PathBuf {
        self.0.join("certificates")
    }

    /// That certificate, followed by the one of its issuer.
    pub(super) fn certificate(&self) -> PathBuf {
        self.certificates().join("apiserver.crt")
    }

    pub(super) fn etcd(&self) -> PathBuf {
        self.0.join("etcd")
    }

    pub(super) fn log(&self, program: &str) -> PathBuf {
        self.0.join(format!("{program}.log"))
    }
}

/// 32 hexadecimal digits.
fn random() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
