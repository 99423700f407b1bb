//! What ran last, on disk, so that a process can start while the operator is away. Sealed, because it holds secrets.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce};
use config::delivery::{Applied, SnapshotFrame};
use config::snapshot::Delta;
use config::{GatewayId, Snapshot};

use crate::live::stream::assembly::Assembly;

/// Names the form of the file.
const MAGIC: &[u8] = b"fairlead-config 1\n";
const NONCE_BYTES: usize = 12;

/// Where the snapshot lies, and the key that seals it.
#[derive(Clone, Default)]
pub struct LastGood {
    folder: Option<PathBuf>,
    key: Option<[u8; 32]>,
}

impl std::fmt::Debug for LastGood {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LastGood").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl LastGood {
    /// Keeps snapshots in `folder`, sealed with the 32 bytes of the key file; without a key only in memory (tmpfs).
    ///
    /// Errors: the key has another length, or a folder on a disk has no key.
    pub fn new(folder: Option<PathBuf>, key_file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(folder) = folder else { return Ok(Self::default()) };
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let key = key_file.map(|path| {
            let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            <[u8; 32]>::try_from(bytes.as_slice())
                .ok()
                .with_context(|| format!("{} must hold 32 bytes", path.display()))
        });
        let key = key.transpose()?;
        if key.is_none() && !is_in_memory(&folder)? {
            bail!("{} is on a disk: give --config-cache-key-file, or a folder in memory", folder.display());
        }
        Ok(Self { folder: Some(folder), key })
    }

    /// Replaces what is kept.
    ///
    /// Errors: the file cannot be written; the old one stays.
    pub fn write(
        &self,
        gateway: &GatewayId,
        applied: Applied,
        snapshot: &Arc<Snapshot>,
    ) -> anyhow::Result<()> {
        let Some(path) = self.path(gateway) else { return Ok(()) };
        let frame = SnapshotFrame::cut(applied, Delta::full(snapshot), usize::MAX);
        let plain = serde_json::to_vec(&frame)?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.sealed(gateway, &plain)?);
        let partial = path.with_extension("partial");
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&partial, &path).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads what is kept; `None` if there is nothing.
    ///
    /// Errors: a file that is corrupt, of another gateway or key, or of a form that is not known.
    pub fn read(&self, gateway: &GatewayId) -> anyhow::Result<Option<(Applied, Arc<Snapshot>)>> {
        let Some(path) = self.path(gateway) else { return Ok(None) };
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let sealed = bytes.strip_prefix(MAGIC).context("the file has a form that is not known here")?;
        let frames: Vec<SnapshotFrame> = serde_json::from_slice(&self.opened(gateway, sealed)?)?;
        let mut assembly = Assembly::default();
        for frame in frames {
            let applied = frame.applied;
            if let Some(snapshot) = assembly.take(frame)? {
                return Ok(Some((applied, snapshot)));
            }
        }
        bail!("the file ends too early")
    }

    fn path(&self, gateway: &GatewayId) -> Option<PathBuf> {
        let name = gateway.as_str().replace('/', ".");
        self.folder.as_ref().map(|folder| folder.join(format!("{name}.snapshot")))
    }

    fn sealed(&self, gateway: &GatewayId, plain: &[u8]) -> anyhow::Result<Vec<u8>> {
        let Some(key) = &self.key else { return Ok(plain.to_vec()) };
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        let payload = Payload { msg: plain, aad: gateway.as_str().as_bytes() };
        let cipher = ChaCha20Poly1305::new(key.into());
        let sealed =
            cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| anyhow::anyhow!("cannot seal"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    fn opened(&self, gateway: &GatewayId, bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
        let Some(key) = &self.key else { return Ok(bytes.to_vec()) };
        ensure!(bytes.len() > NONCE_BYTES, "the file is too short");
        let (nonce, sealed) = bytes.split_at(NONCE_BYTES);
        let nonce = <[u8; NONCE_BYTES]>::try_from(nonce)?;
        let payload = Payload { msg: sealed, aad: gateway.as_str().as_bytes() };
        let opened = ChaCha20Poly1305::new(key.into()).decrypt(&Nonce::from(nonce), payload);
        opened.map_err(|_| {
            anyhow::anyhow!("the file was changed, or sealed for another gateway or with another key")
        })
    }
}

/// True for a folder whose content is gone after a restart of the machine.
fn is_in_memory(folder: &Path) -> anyhow::Result<bool> {
    const TMPFS: i64 = 0x0102_1994;
    const RAMFS: i64 = 0x8584_58f6;
    let kind = rustix::fs::statfs(folder)?.f_type;
    Ok(kind == TMPFS || kind == RAMFS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(key: Option<[u8; 32]>) -> (tempfile::TempDir, LastGood, GatewayId, Arc<Snapshot>) {
        let folder = tempfile::tempdir().expect("a folder");
        let last_good = LastGood { folder: Some(folder.path().to_owned()), key };
        let (gateway, snapshot) = (GatewayId::new("a", "main"), Arc::new(Snapshot::empty()));
        let applied = Applied { hash: snapshot.hash, epoch: 3, sequence: 4 };
        last_good.write(&gateway, applied, &snapshot).expect("written");
        (folder, last_good, gateway, snapshot)
    }

    #[test]
    fn what_was_written_is_read_by_the_same_key_only() {
        let (folder, last_good, gateway, snapshot) = kept(Some([1; 32]));
        let (applied, read) = last_good.read(&gateway).expect("readable").expect("there");
        assert_eq!((applied.epoch, &read), (3, &snapshot));
        let other = LastGood { folder: Some(folder.path().to_owned()), key: Some([2; 32]) };
        assert!(other.read(&gateway).is_err());
        assert!(last_good.read(&GatewayId::new("a", "other")).expect("readable").is_none());
    }

    #[test]
    fn a_damaged_or_foreign_file_is_refused() {
        let (folder, last_good, gateway, _) = kept(Some([1; 32]));
        let path = folder.path().join("a.main.snapshot");
        std::fs::copy(&path, folder.path().join("b.main.snapshot")).expect("copied");
        assert!(last_good.read(&GatewayId::new("b", "main")).is_err(), "sealed for another gateway");
        let mut bytes = std::fs::read(&path).expect("there");
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&path, bytes).expect("written");
        assert!(last_good.read(&gateway).is_err());
    }

    #[test]
    fn a_folder_on_a_disk_needs_a_key_of_32_bytes() {
        let folder = tempfile::Builder::new().tempdir_in(env!("CARGO_MANIFEST_DIR")).expect("a folder");
        assert!(LastGood::new(Some(folder.path().to_owned()), None).is_err());
        let key = folder.path().join("key");
        std::fs::write(&key, [0; 31]).expect("written");
        assert!(LastGood::new(Some(folder.path().to_owned()), Some(&key)).is_err());
        std::fs::write(&key, [0; 32]).expect("written");
        assert!(LastGood::new(Some(folder.path().to_owned()), Some(&key)).is_ok());
    }
}
