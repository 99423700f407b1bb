use std::sync::Arc;

use config::snapshot::{Delta, apply, diff};
use config::{Entry, Hash, Secret, Snapshot};

use crate::kit::{Process, model, provider, secret};

const KEYED: &str = "auth: {apiKey: {secretRef: {name: k, key: apiKey}}}";

/// Two snapshots: between them a key is rotated, a model goes and another comes.
fn pair() -> (Snapshot, Snapshot) {
    let yaml =
        |key: &str, name: &str| provider("p", KEYED) + &secret("k", "apiKey", key) + &model(name, "p", "");
    let mut process = Process::of(&yaml("sk-1", "old"));
    let before = process.snapshot().clone();
    process.apply(&yaml("sk-2", "new"));
    (before, process.snapshot().clone())
}

#[test]
fn a_delta_holds_what_differs_and_nothing_else() {
    let (before, after) = pair();
    let delta = diff(&before, &after);
    let ids: Vec<_> = delta.upsert.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["model/default/new", "provider/default/p"]);
    let gone: Vec<_> = delta.remove.iter().map(config::EntryId::as_str).collect();
    assert_eq!(gone, ["model/default/old"]);
    assert_eq!(delta.secrets.values().map(Secret::expose).collect::<Vec<_>>(), ["sk-2"]);
    assert!(!format!("{delta:?}").contains("sk-2"));
    assert_eq!(apply(&before, &delta), Ok(after));
}

#[test]
fn a_delta_on_another_base_is_refused() {
    let (before, after) = pair();
    let mismatch = apply(&after, &diff(&before, &after)).unwrap_err();
    assert_eq!((mismatch.expected, mismatch.found), (before.hash, after.hash));
}

#[test]
fn a_delta_that_makes_something_else_is_refused() {
    let (before, after) = pair();
    let delta = diff(&before, &after);
    assert!(apply(&before, &Delta { hash: Hash::of(b"x"), ..delta.clone() }).is_err());
    assert!(apply(&before, &Delta { remove: [].into(), ..delta }).is_err());
}

#[test]
fn an_entry_that_is_not_what_its_hash_says_is_refused() {
    let (before, after) = pair();
    let mut delta = diff(&before, &after);
    let forged =
        Entry { spec: before.entries.values().next().unwrap().spec.clone(), ..(*delta.upsert[0]).clone() };
    delta.upsert[0] = Arc::new(forged);
    assert!(apply(&before, &delta).is_err());
}

#[test]
fn a_full_delta_needs_no_base() {
    let (before, after) = pair();
    assert_eq!(apply(&before, &Delta::full(&after)), Ok(after));
}
