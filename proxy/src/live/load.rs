//! Files → objects → snapshot, remembering the last good content of each object.

use std::sync::Arc;

use anyhow::Context;
use config::manifest::{self, Finding, Loaded, Lookups};
use config::{Compiled, Schemas, Snapshot, compile};
use serde_json::{Value, json};

use crate::live::files::Files;

/// Reads and compiles, again and again.
#[derive(Default)]
pub struct Loader {
    schemas: Schemas,
    loaded: Loaded,
    compiled: Compiled,
}

impl Loader {
    /// Reads all files as one transaction and compiles what they say.
    ///
    /// Errors: outside, a path cannot be read; inside, what is no YAML or no object. Both change nothing.
    pub fn load(&mut self, files: &Files) -> anyhow::Result<Result<Arc<Snapshot>, Vec<Finding>>> {
        let sources = files.collect()?;
        let env = |name: &str| files.variable(name);
        let file = |path: &str| files.content(path);
        let lookups = Lookups { env: &env, file: &file };
        let loaded = match manifest::load(&sources, lookups, &self.schemas, &self.compiled) {
            Ok(loaded) => loaded,
            Err(findings) => return Ok(Err(findings)),
        };
        let compiled = compile(&loaded.world, &self.compiled);
        let snapshot = compiled.implicit().cloned().context("the files compile to nothing")?;
        (self.loaded, self.compiled) = (loaded, compiled);
        Ok(Ok(snapshot))
    }

    /// Everything that is wrong, with file and line.
    pub fn findings(&self) -> Vec<Finding> {
        self.loaded.findings(&self.compiled)
    }

    /// How many objects there are.
    pub fn count(&self) -> usize {
        self.compiled.diagnostics.len()
    }

    /// Every object with its conditions.
    pub fn objects(&self) -> Vec<Value> {
        let object = |(id, about): (&config::ObjectId, &config::Diagnostics)| {
            json!({
                "kind": id.kind,
                "namespace": id.namespace,
                "name": id.name,
                "observedGeneration": about.generation,
                "conditions": about.conditions(),
                "serving": about.serving,
            })
        };
        self.compiled.diagnostics.iter().map(object).collect()
    }
}

/// A snapshot for people: secrets by name only.
pub fn rendered(snapshot: &Snapshot) -> Value {
    json!({
        "ir": config::IR,
        "hash": snapshot.hash,
        "entries": snapshot.entries.values().collect::<Vec<_>>(),
        "secrets": snapshot.secrets.keys().collect::<Vec<_>>(),
        "fallbackProvider": snapshot.fallback_provider,
    })
}
