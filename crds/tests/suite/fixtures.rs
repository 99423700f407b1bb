//! Objects and breaches from `tests/fixtures`.

use std::collections::BTreeMap;

use crds::schema::{Schema, Violation};
use serde::Deserialize;
use serde_json::Value;

const VALID: &str = include_str!("../fixtures/valid.yaml");
const BREACHES: &str = include_str!("../fixtures/breaches.yaml");

/// One change that breaks one rule.
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

pub(crate) fn objects() -> Vec<Value> {
    serde_saphyr::from_multiple(VALID).unwrap()
}

pub(crate) fn breaches() -> Vec<Breach> {
    serde_saphyr::from_str(BREACHES).unwrap()
}

pub(crate) fn schemas() -> BTreeMap<&'static str, Schema> {
    crds::KINDS.iter().map(|kind| (kind.name, Schema::of(*kind))).collect()
}

impl Breach {
    pub(crate) fn violations(&self, schemas: &BTreeMap<&'static str, Schema>) -> Vec<Violation> {
        let base = objects().into_iter().find(|object| object["kind"] == *self.kind).unwrap();
        let before = changed(base.clone(), &self.before);
        schemas[self.kind.as_str()].check(&changed(base, &self.set), Some(&before))
    }
}

fn changed(mut object: Value, changes: &BTreeMap<String, Value>) -> Value {
    for (path, value) in changes {
        let (parent, name) =
            path.rsplit_once('/').map_or(("", path.as_str()), |(parent, name)| (parent, name));
        let pointer = if parent.is_empty() { String::new() } else { format!("/{parent}") };
        let members = object.pointer_mut(&pointer).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            members.remove(name).unwrap();
        } else {
            members.insert(name.to_owned(), value.clone());
        }
    }
    object
}
