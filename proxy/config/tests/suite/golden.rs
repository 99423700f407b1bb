use std::path::Path;

use config::manifest::Source;
use serde_json::json;

use crate::kit::Process;

fn read(path: &str) -> Source {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    Source { path: path.to_owned(), text: std::fs::read_to_string(full).unwrap() }
}

#[test]
fn a_directory_compiles_to_a_golden_snapshot() {
    let mut process = Process::with_env(&[("OPENAI_API_KEY", "sk-golden")]);
    process.load(&["providers", "models"].map(|name| read(&format!("tests/fixtures/{name}.yaml")))).unwrap();
    let snapshot = process.snapshot();
    let secrets: Vec<_> = snapshot.secrets.keys().collect();
    let entries: Vec<&config::Entry> = snapshot.entries.values().map(AsRef::as_ref).collect();
    let golden = json!({"hash": snapshot.hash, "entries": entries, "secrets": secrets, "findings": process.findings()});
    insta::assert_json_snapshot!(golden);
}

#[test]
fn several_gateways_compile_to_a_golden_snapshot_each() {
    let mut process = Process::with_env(&[]);
    process.load(&[read("tests/fixtures/gateways.yaml")]).unwrap();
    let snapshot = |snapshot: &config::Snapshot| {
        let entries: Vec<&config::Entry> = snapshot.entries.values().map(AsRef::as_ref).collect();
        json!({"hash": snapshot.hash, "entries": entries, "secrets": snapshot.secrets.keys().collect::<Vec<_>>()})
    };
    let snapshots = process.compiled.snapshots.iter().map(|(id, found)| (id.to_string(), snapshot(found)));
    let snapshots: serde_json::Map<_, _> = snapshots.collect();
    insta::assert_json_snapshot!(json!({"snapshots": snapshots, "findings": process.findings()}));
}

#[test]
fn the_example_of_tools_is_sound() {
    let env = ["OPENAI_API_KEY", "DOCS_TOKEN", "CLIENT_KEY"].map(|name| (name, "0123456789abcdef0123456789"));
    let mut process = Process::with_env(&env);
    let files = ["gateway", "models", "servers", "policies"];
    process.load(&files.map(|name| read(&format!("../../examples/mcp/{name}.yaml")))).unwrap();
    assert_eq!(process.findings(), Vec::<String>::new());
    for entry in ["mcp/default/docs", "policy/default/docs", "policy/default/everywhere"] {
        assert!(process.at("default/main", entry).is_some(), "{entry}");
    }
}

#[test]
fn the_examples_are_sound() {
    for name in ["openai", "ollama"] {
        let mut process = Process::with_env(&[("OPENAI_API_KEY", "sk-1")]);
        process.load(&[read(&format!("../../examples/models/{name}.yaml"))]).unwrap();
        assert_eq!(process.findings(), Vec::<String>::new(), "{name}");
        assert!(process.provider(name).is_some(), "{name}");
    }
}
