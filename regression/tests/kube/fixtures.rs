//! The objects and breaches of `crds/tests/fixtures`, as the API server sees them.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;

use crate::on_kubernetes::stage::folder;

/// What the API server says in other words: it counts characters and calls them bytes, and it has several
/// names for types of numbers.
const WORDS: [(&str, &str); 4] =
    [("integer, not number", "int"), (", not number", ""), (", not ", ": "), (" characters", " bytes")];

/// Its own rule for names, whatever a schema says.
const NAME: &str = "a lowercase RFC 1123 subdomain must consist of";

/// One change that breaks one rule; see the head of breaches.yaml.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Breach {
    pub(crate) kind: String,
    #[serde(default)]
    set: BTreeMap<String, Value>,
    #[serde(default)]
    before: BTreeMap<String, Value>,
    pub(crate) at: String,
    pub(crate) message: String,
}

pub(crate) fn objects() -> anyhow::Result<Vec<Value>> {
    Ok(serde_saphyr::from_multiple(&read("valid.yaml")?)?)
}

pub(crate) fn breaches() -> anyhow::Result<Vec<Breach>> {
    Ok(serde_saphyr::from_str(&read("breaches.yaml")?)?)
}

fn read(name: &str) -> anyhow::Result<String> {
    let path = folder().join("tests").join("fixtures").join(name);
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

impl Breach {
    /// The object that breaks the rule.
    pub(crate) fn object(&self) -> anyhow::Result<Value> {
        changed(base(&self.kind)?, &self.set)
    }

    /// The object that must be there before, if the rule is about a change.
    pub(crate) fn before(&self) -> anyhow::Result<Option<Value>> {
        if self.before.is_empty() {
            return Ok(None);
        }
        changed(base(&self.kind)?, &self.before).map(Some)
    }

    /// Whether kubectl's words tell this breach: its field, and on the same line its message.
    pub(crate) fn is_told_by(&self, refused: &str) -> bool {
        if self.message == "unknown field" {
            return refused.contains(&format!("unknown field \"{}\"", self.at));
        }
        let field = format!(" {}: ", self.at);
        let causes = refused.lines().filter_map(|line| line.split_once(&field));
        causes.map(|(_, told)| told).any(|told| follow_each_other(&self.parts(), told))
    }

    /// The message in the API server's words, in the parts between which it puts values.
    fn parts(&self) -> Vec<String> {
        if self.at == "metadata.name" {
            return vec![NAME.to_owned()];
        }
        let said = |message: String, (ours, theirs): &(&str, &str)| message.replace(ours, theirs);
        WORDS.iter().fold(self.message.clone(), said).split(": ").map(str::to_owned).collect()
    }
}

fn follow_each_other(parts: &[String], text: &str) -> bool {
    let rest = parts.iter().try_fold(text, |rest, part| rest.split_once(part.as_str()).map(|(_, rest)| rest));
    rest.is_some()
}

fn base(kind: &str) -> anyhow::Result<Value> {
    let first = objects()?.into_iter().find(|object| object["kind"] == *kind);
    first.with_context(|| format!("valid.yaml has no {kind}"))
}

fn changed(mut object: Value, changes: &BTreeMap<String, Value>) -> anyhow::Result<Value> {
    for (path, value) in changes {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let pointer = if parent.is_empty() { String::new() } else { format!("/{parent}") };
        let members = object.pointer_mut(&pointer).and_then(Value::as_object_mut);
        let members = members.with_context(|| format!("no {parent} in {path}"))?;
        if value.is_null() {
            members.remove(name).with_context(|| format!("no {path}"))?;
        } else {
            members.insert(name.to_owned(), value.clone());
        }
    }
    Ok(object)
}
