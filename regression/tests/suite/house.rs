//! House rules that clippy does not know: sizes of files, unlinked files, arrows between packages, workplace paths, coverage.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use regression::harness::proxy::binary;

/// Folders that hold no source of the project.
const SKIPPED: [&str; 6] = ["target", "node_modules", ".git", "data", "__pycache__", ".ci"];

/// Who may name whom in `[dependencies]`.
const ARROWS: [(&str, &[&str]); 11] = [
    ("crds", &[]),
    ("operator", &["config", "crds"]),
    ("proxy", &["agent", "config", "crds", "protocol", "providers", "rules", "store", "tools"]),
    ("proxy/agent", &["protocol"]),
    ("proxy/config", &["crds", "rules"]),
    ("proxy/protocol", &[]),
    ("proxy/providers", &["agent", "protocol"]),
    ("proxy/rules", &[]),
    ("proxy/store", &["protocol"]),
    ("proxy/tools", &["agent", "protocol", "rules"]),
    ("regression", &[]),
];

/// Packages without I/O, clock and randomness, and what would bring them.
const PURE: [&str; 5] = ["crds", "proxy/agent", "proxy/config", "proxy/protocol", "proxy/rules"];
const IMPURE: [&str; 8] = ["tokio", "getrandom", "rand", "reqwest", "hyper", "sqlx", "notify", "jiff"];

fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().map_or_else(|| package.to_owned(), Path::to_owned)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if SKIPPED.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            files(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// Every file with its path from the root and its text, if it is text.
fn texts() -> anyhow::Result<BTreeMap<String, String>> {
    let (root, mut found) = (root(), Vec::new());
    files(&root, &mut found)?;
    let text = |path: PathBuf| {
        let name = path.strip_prefix(&root).ok()?.to_string_lossy().into_owned();
        Some((name, std::fs::read_to_string(&path).ok()?))
    };
    Ok(found.into_iter().filter_map(text).collect())
}

fn sources() -> anyhow::Result<BTreeMap<String, String>> {
    Ok(texts()?.into_iter().filter(|(name, _)| name.ends_with(".rs")).collect())
}

fn is_test(name: &str) -> bool {
    name.contains("/tests/") || name.ends_with("/tests.rs")
}

#[test]
fn no_file_is_longer_than_its_cap() -> anyhow::Result<()> {
    let cap = |name: &str| if is_test(name) { 800 } else { 600 };
    let long = |(name, text): &(String, String)| text.lines().count() > cap(name);
    let too_long: Vec<String> = sources()?.into_iter().filter(long).map(|(name, _)| name).collect();
    assert_eq!(too_long, Vec::<String>::new());
    Ok(())
}

#[test]
fn every_source_file_is_declared() -> anyhow::Result<()> {
    let sources = sources()?;
    let undeclared: Vec<&String> = sources.keys().filter(|name| !is_declared(name, &sources)).collect();
    assert_eq!(undeclared, Vec::<&String>::new());
    assert!(sources.keys().all(|name| !name.ends_with("/mod.rs")), "a module is foo.rs + foo/");
    Ok(())
}

/// A root of cargo's, or declared by `mod` in the file that owns its folder.
fn is_declared(name: &str, sources: &BTreeMap<String, String>) -> bool {
    let path = Path::new(name);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let own = folder.file_name().unwrap_or_default().to_string_lossy();
    let is_root = matches!(stem.as_ref(), "lib" | "main" | "build")
        || matches!(own.as_ref(), "tests" | "benches" | "examples" | "bin" | "fuzz_targets");
    let owners = [folder.join("lib.rs"), folder.join("main.rs"), folder.with_extension("rs")];
    let declares = |owner: &PathBuf| {
        let text = sources.get(&owner.to_string_lossy().into_owned()).map(String::as_str).unwrap_or_default();
        text.lines().any(|line| line.trim().trim_end_matches(';').ends_with(&format!("mod {stem}")))
    };
    is_root && !sources.contains_key(&folder.with_extension("rs").to_string_lossy().into_owned())
        || owners.iter().any(declares)
}

#[test]
fn packages_depend_on_nothing_but_their_arrows() -> anyhow::Result<()> {
    let own: BTreeSet<&str> = ARROWS.iter().map(|(path, _)| name_of(path)).collect();
    for (path, allowed) in ARROWS {
        let named = dependencies(path)?;
        let unexpected: Vec<&String> = named
            .iter()
            .filter(|name| own.contains(name.as_str()) && !allowed.contains(&name.as_str()))
            .collect();
        assert_eq!(unexpected, Vec::<&String>::new(), "{path}");
        let named_pingora = named.iter().any(|name| name.starts_with("pingora"));
        assert!(!named_pingora || path == "proxy", "{path} names pingora");
    }
    Ok(())
}

#[test]
fn the_cores_have_no_runtime_clock_or_randomness() -> anyhow::Result<()> {
    for path in PURE {
        let named = dependencies(path)?;
        let impure: Vec<&String> = named.iter().filter(|name| IMPURE.contains(&name.as_str())).collect();
        assert_eq!(impure, Vec::<&String>::new(), "{path}");
    }
    Ok(())
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The names in `[dependencies]` of a manifest.
fn dependencies(path: &str) -> anyhow::Result<BTreeSet<String>> {
    let manifest = root().join(path).join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).with_context(|| format!("{}", manifest.display()))?;
    let lines = text.lines().skip_while(|line| line.trim() != "[dependencies]").skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    let name = |line: &str| line.split(['.', '=', ' ']).next().unwrap_or_default().to_owned();
    Ok(lines.filter(|line| !line.trim().is_empty()).map(name).collect())
}

#[test]
fn pingora_is_named_in_the_edge_only() -> anyhow::Result<()> {
    let names = |(name, text): &(String, String)| {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let mut uses = code.filter(|line| line.contains("pingora::") || line.contains("use pingora"));
        name.starts_with("proxy/src/") && !name.starts_with("proxy/src/edge") && uses.next().is_some()
    };
    let outside: Vec<String> = sources()?.into_iter().filter(names).map(|(name, _)| name).collect();
    assert_eq!(outside, Vec::<String>::new());
    Ok(())
}

#[test]
fn nothing_names_the_place_where_it_was_written() -> anyhow::Result<()> {
    let places =
        [["/wor", "k/"], ["/roo", "t/"], ["/ho", "me/"], ["../sha", "red"]].map(|parts| parts.concat());
    let names = |(name, text): &(String, String)| {
        let place = places.iter().find(|place| text.contains(place.as_str()))?;
        Some(format!("{name}: {place}"))
    };
    let named: Vec<String> =
        texts()?.iter().map(|(n, t)| (n.clone(), t.clone())).filter_map(|pair| names(&pair)).collect();
    assert_eq!(named, Vec::<String>::new());
    Ok(())
}

#[test]
fn the_lock_files_of_clients_record_no_registry() -> anyhow::Result<()> {
    for (name, text) in texts()?.iter().filter(|(name, _)| name.ends_with("package-lock.json")) {
        assert!(!text.contains("\"resolved\""), "{name}");
    }
    Ok(())
}

#[test]
fn the_table_of_served_operations_in_the_readme_is_the_proxys() -> anyhow::Result<()> {
    let readme = std::fs::read_to_string(root().join("README.md"))?;
    let after = readme.split_once("<!-- coverage").and_then(|(_, rest)| rest.split_once("-->"));
    let table =
        after.and_then(|(_, rest)| rest.split_once("<!-- /coverage -->")).map(|(table, _)| table.trim());
    let output = Command::new(binary()?).arg("routes").output()?;
    let expected = String::from_utf8(output.stdout)?;
    assert_eq!(
        table,
        Some(expected.trim()),
        "README.md is out of date: paste what `fairlead-proxy routes` prints"
    );
    Ok(())
}
