//! Who has written what, as the API server has logged it.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use super::Cluster;

pub(super) const POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
";

/// A moment in the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark(u64);

/// A request that writes, or tries to: dry runs and refused ones are among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// For instance `admin` or `system:serviceaccount:a-namespace:a-name`.
    pub user: String,
    pub verb: String,
    /// With its subresource: `models/status`.
    pub resource: String,
    /// Empty outside namespaces.
    pub namespace: String,
    /// Empty where the server chooses it.
    pub name: String,
    /// HTTP status.
    pub code: u16,
}

impl Cluster {
    /// This moment in the audit log.
    ///
    /// Errors: the log is gone.
    pub fn audit_mark(&self) -> anyhow::Result<Mark> {
        Mark::end_of(&self.folder.audit_log())
    }

    /// The writes since then, in the order in which they were answered.
    ///
    /// Errors: the log is gone, or is no audit log.
    pub fn audit(&self, since: Mark) -> anyhow::Result<Vec<Write>> {
        writes(&self.folder.audit_log(), since)
    }

    /// How many writes since then, by user.
    ///
    /// Errors: as [`Cluster::audit`].
    pub fn audit_writes(&self, since: Mark) -> anyhow::Result<BTreeMap<String, usize>> {
        let mut counts = BTreeMap::new();
        for write in self.audit(since)? {
            *counts.entry(write.user).or_default() += 1;
        }
        Ok(counts)
    }
}

impl Mark {
    fn end_of(log: &Path) -> anyhow::Result<Self> {
        Ok(Self(std::fs::metadata(log)?.len()))
    }
}

/// The writes after a mark that were answered.
fn writes(log: &Path, since: Mark) -> anyhow::Result<Vec<Write>> {
    let (mut file, mut text) = (std::fs::File::open(log)?, String::new());
    file.seek(SeekFrom::Start(since.0))?;
    file.read_to_string(&mut text)?;
    // The last line may be half written.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| entry(line).with_context(|| format!("no audit event: {line}"))).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    verb: String,
    user: User,
    #[serde(default)]
    object_ref: Object,
    #[serde(default)]
    response_status: Status,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Object {
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    code: u16,
}

fn entry(line: &str) -> anyhow::Result<Write> {
    let Event { verb, user, object_ref: object, response_status } = serde_json::from_str(line)?;
    let part = if object.subresource.is_empty() { String::new() } else { format!("/{}", object.subresource) };
    Ok(Write {
        user: user.username,
        verb,
        resource: object.resource + &part,
        namespace: object.namespace,
        name: object.name,
        code: response_status.code,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_written_line_is_left_for_later() -> anyhow::Result<()> {
        let line = r#"{"verb":"patch","user":{"username":"admin"},"objectRef":{"resource":"models","subresource":"status"}}"#;
        let log = tempfile::NamedTempFile::new()?;
        std::fs::write(log.path(), format!("{line}\n{}", &line[..40]))?;
        let found = writes(log.path(), Mark::default())?;
        let found: Vec<(&str, &str)> =
            found.iter().map(|write| (write.verb.as_str(), write.resource.as_str())).collect();
        assert_eq!(found, [("patch", "models/status")]);
        Ok(())
    }
}
