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
fn the_examples_are_sound() {
    for name in ["openai", "ollama"] {
        let mut process = Process::with_env(&[("OPENAI_API_KEY", "sk-1")]);
        process.load(&[read(&format!("../../examples/models/{name}.yaml"))]).unwrap();
        assert_eq!(process.findings(), Vec::<String>::new(), "{name}");
        assert!(process.provider(name).is_some(), "{name}");
    }
}
