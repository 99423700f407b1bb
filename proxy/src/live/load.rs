//! Files → objects → snapshot, remembering the last good content of each object.

use std::sync::Arc;

use anyhow::Context;
use config::delivery::Catalog;
use config::manifest::{self, Finding, Loaded, Lookups};
use config::{Compiled, EntryId, GatewayId, HashKey, Health, NOT_PROBED, Schemas, Snapshot, compile};
use serde_json::{Value, json};

use crate::live::build::Runtime;
use crate::live::files::Files;

/// Reads and compiles, again and again.
#[derive(Default)]
pub struct Loader {
    schemas: Schemas,
    loaded: Loaded,
    compiled: Compiled,
    /// The gateway to serve, where there are several.
    gateway: Option<GatewayId>,
    hash_key: HashKey,
}

impl Loader {
    /// Reads all files as one transaction and compiles what they say.
    ///
    /// Errors: outside, a path cannot be read; inside, what is no YAML or no object. Both change nothing.
    pub fn load(&mut self, files: &Files) -> anyhow::Result<Result<Arc<Snapshot>, Vec<Finding>>> {
        let (loaded, compiled) = match self.compiled(files)? {
            Ok(compiled) => compiled,
            Err(findings) => return Ok(Err(findings)),
        };
        let snapshot = self.chosen(&compiled)?;
        self.pin(&compiled);
        (self.loaded, self.compiled) = (loaded, compiled);
        Ok(Ok(snapshot))
    }

    /// Reads all files and compiles what they say, for all gateways. Returns everything that is wrong.
    ///
    /// Errors: a path cannot be read.
    pub fn check(&mut self, files: &Files) -> anyhow::Result<Vec<Finding>> {
        match self.compiled(files)? {
            Ok((loaded, compiled)) => (self.loaded, self.compiled) = (loaded, compiled),
            Err(findings) => return Ok(findings),
        }
        Ok(self.findings())
    }

    fn compiled(&self, files: &Files) -> anyhow::Result<Result<(Loaded, Compiled), Vec<Finding>>> {
        let sources = files.collect()?;
        let env = |name: &str| files.variable(name);
        let file = |path: &str| files.content(path);
        let lookups = Lookups { env: &env, file: &file };
        let loaded = manifest::load(&sources, lookups, &self.schemas, &self.compiled);
        Ok(loaded.map(|mut loaded| {
            loaded.world.hash_key = self.hash_key.clone();
            let compiled = compile(&loaded.world, &self.compiled);
            (loaded, compiled)
        }))
    }

    /// Serves this gateway, and no other.
    pub fn of(gateway: Option<GatewayId>) -> Self {
        Self { gateway, ..Self::default() }
    }

    /// Keys the hashes of secrets.
    pub fn hashing_with(mut self, key: HashKey) -> Self {
        self.hash_key = key;
        self
    }

    /// A process that has served a gateway never falls back to the one without authentication that stands for none.
    fn pin(&mut self, compiled: &Compiled) {
        let is_explicit = compiled.diagnostics.keys().any(|id| id.kind == "ResponsesGateway");
        if is_explicit && self.gateway.is_none() {
            self.gateway = compiled.only().map(|(gateway, _)| gateway.clone());
        }
    }

    fn chosen(&self, compiled: &Compiled) -> anyhow::Result<Arc<Snapshot>> {
        let chosen = match &self.gateway {
            Some(gateway) => compiled.gateway(gateway),
            None => compiled.only().map(|(_, snapshot)| snapshot),
        };
        let names: Vec<&str> = compiled.snapshots.keys().map(GatewayId::as_str).collect();
        let message =
            || format!("the files hold the gateways {}: choose one with --gateway", names.join(", "));
        chosen.cloned().with_context(message)
    }

    /// Everything that is wrong, with file and line.
    pub fn findings(&self) -> Vec<Finding> {
        self.loaded.findings(&self.compiled)
    }

    /// What is right and has no effect, with file and line.
    pub fn warnings(&self) -> &[Finding] {
        self.loaded.warnings()
    }

    /// Every problem with its object.
    pub fn problems(&self) -> impl Iterator<Item = (&config::ObjectId, &config::Problem)> {
        let of = |(id, about)| {
            let about: &config::Diagnostics = about;
            about.problems.iter().map(move |problem| (id, problem))
        };
        self.compiled.diagnostics.iter().flat_map(of)
    }

    /// How many objects there are.
    pub fn count(&self) -> usize {
        self.compiled.diagnostics.len()
    }

    /// Every object with its conditions; of providers and MCP servers, what calls have shown.
    pub fn objects(&self, runtime: &Runtime) -> Vec<Value> {
        let health = runtime.health();
        let object = |(id, about): (&config::ObjectId, &config::Diagnostics)| {
            let entry = EntryId::of(id);
            let catalog = catalog(runtime, &entry);
            let mismatches = catalog.as_ref().map(|catalog| catalog.mismatches.clone()).unwrap_or_default();
            let conditions = about.conditions_with(&mismatches).into_iter().map(|condition| json!(condition));
            let has_health = matches!(id.kind.as_str(), "ModelProvider" | "MCPServer");
            let healthy = has_health.then(|| healthy(health.get(&entry).copied()));
            let mut shown = json!({
                "kind": id.kind,
                "namespace": id.namespace,
                "name": id.name,
                "observedGeneration": about.generation,
                "conditions": conditions.chain(healthy).collect::<Vec<_>>(),
                "serving": about.serving,
            });
            if let Some(catalog) = &catalog {
                shown["protocolVersion"] = json!(catalog.protocol);
                shown["tools"] =
                    json!({"count": catalog.count, "digest": catalog.digest, "items": catalog.items});
            }
            shown
        };
        self.compiled.diagnostics.iter().map(object).collect()
    }
}

/// What a server listed last.
fn catalog(runtime: &Runtime, entry: &EntryId) -> Option<Catalog> {
    let server = runtime.offered().get(entry)?;
    Some(server.catalog(entry, &*server.listing()?))
}

/// The condition `Healthy`; its status is null where nothing is known.
fn healthy(health: Option<Health>) -> Value {
    let reason = health.map_or_else(|| NOT_PROBED.to_owned(), Health::reason);
    let message = health.map_or("", Health::message);
    json!({"type": "Healthy", "status": health.map(|health| health == Health::Healthy), "reason": reason, "message": message})
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
