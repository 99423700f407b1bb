//! A file-mode process in a few lines: what it was told last, and what it serves.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use config::manifest::{self, Finding, Loaded, Lookups, Source};
use config::{
    Compiled, Diagnostics, Entry, EntryId, GatewayId, ModelSpec, ObjectId, ProviderSpec, Schemas, Snapshot,
    Spec, compile,
};

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(Schemas::new);

/// A process that reads files, as far as configuration goes.
pub(crate) struct Process {
    env: BTreeMap<String, String>,
    pub(crate) loaded: Loaded,
    pub(crate) compiled: Compiled,
}

impl Process {
    pub(crate) fn with_env(env: &[(&str, &str)]) -> Self {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { env, loaded: Loaded::default(), compiled: Compiled::default() }
    }

    /// Starts with one file.
    pub(crate) fn of(yaml: &str) -> Self {
        let mut process = Self::with_env(&[]);
        process.apply(yaml);
        process
    }

    /// Replaces all configuration by one file, which must be readable.
    pub(crate) fn apply(&mut self, yaml: &str) {
        let source = Source { path: "a.yaml".to_owned(), text: yaml.to_owned() };
        self.load(&[source]).unwrap();
    }

    pub(crate) fn load(&mut self, sources: &[Source]) -> Result<(), Vec<Finding>> {
        let env = |name: &str| self.env.get(name).cloned();
        let lookups = Lookups { env: &env, file: &|_| None };
        self.loaded = manifest::load(sources, lookups, &SCHEMAS, &self.compiled)?;
        self.compiled = compile(&self.loaded.world, &self.compiled);
        Ok(())
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        self.compiled.implicit().unwrap()
    }

    pub(crate) fn findings(&self) -> Vec<String> {
        self.loaded.findings(&self.compiled).iter().map(ToString::to_string).collect()
    }

    pub(crate) fn entry(&self, id: &EntryId) -> Option<&Arc<Entry>> {
        self.snapshot().entries.get(id)
    }

    /// Returns the entry of an object at a gateway, as `role/namespace/name`.
    pub(crate) fn at(&self, gateway: &str, entry: &str) -> Option<&Spec> {
        let (namespace, name) = gateway.split_once('/').unwrap();
        let snapshot = self.compiled.gateway(&GatewayId::new(namespace, name))?;
        let found = snapshot.entries.values().find(|found| found.id.as_str() == entry);
        found.map(|entry| &entry.spec)
    }

    pub(crate) fn provider(&self, name: &str) -> Option<&ProviderSpec> {
        let Spec::Provider(spec) = &self.entry(&EntryId::provider("default", name))?.spec else {
            panic!("{name}")
        };
        Some(spec)
    }

    pub(crate) fn model(&self, name: &str) -> Option<&ModelSpec> {
        let Spec::Model(spec) = &self.entry(&EntryId::model("default", name))?.spec else { panic!("{name}") };
        Some(spec)
    }

    /// Returns what there is to say about an object, given as `Kind namespace/name`.
    pub(crate) fn of_object(&self, object: &str) -> &Diagnostics {
        self.compiled.diagnostics.iter().find(|(id, _)| id.to_string() == object).unwrap().1
    }

    pub(crate) fn about(&self, kind: &str, name: &str) -> &Diagnostics {
        &self.compiled.diagnostics[&ObjectId::new(kind, "default", name)]
    }
}

/// A ModelProvider at `https://NAME.example.com`, with more lines of its spec.
pub(crate) fn provider(name: &str, more: &str) -> String {
    object("ModelProvider", name, &format!("type: OpenAI, baseURL: 'https://{name}.example.com/v1', {more}"))
}

/// A Model with one target, with more lines of its spec.
pub(crate) fn model(name: &str, provider: &str, more: &str) -> String {
    let target = format!("{{name: only, providerRef: {{name: {provider}}}, upstreamModel: up}}");
    object("Model", name, &format!("targets: [{target}], {more}"))
}

pub(crate) fn secret(name: &str, key: &str, value: &str) -> String {
    format!(
        "---\n{{apiVersion: v1, kind: Secret, metadata: {{name: {name}}}, stringData: {{{key}: \"{value}\"}}}}\n"
    )
}

/// An object in some namespace, as `Kind namespace/name`.
pub(crate) fn placed(object: &str, spec: &str) -> String {
    let (kind, id) = object.split_once(' ').unwrap();
    let (namespace, name) = id.split_once('/').unwrap();
    let metadata = format!("{{name: {name}, namespace: {namespace}}}");
    format!(
        "---\n{{apiVersion: fairlead.dev/v1alpha1, kind: {kind}, metadata: {metadata}, spec: {{{spec}}}}}\n"
    )
}

fn object(kind: &str, name: &str, spec: &str) -> String {
    format!(
        "---\n{{apiVersion: fairlead.dev/v1alpha1, kind: {kind}, metadata: {{name: {name}}}, spec: {{{spec}}}}}\n"
    )
}
