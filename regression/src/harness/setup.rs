//! The configuration of a proxy under test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::proxy::Proxy;

/// Files, flags and environment of a proxy.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    files: BTreeMap<String, String>,
    flags: Vec<String>,
    environment: Vec<(String, String)>,
    without_config: bool,
    without_loopback: bool,
}

impl Setup {
    /// A provider `fake` at `url` that speaks Chat Completions, with the Models `demo` and `embed`.
    pub fn chat(url: &str) -> Self {
        let models = format!("{}---\n{}", model("demo", "Chat", "fake"), model("embed", "Embedding", "fake"));
        Self::default()
            .file("provider.yaml", &provider("fake", url, "ChatCompletions"))
            .file("models.yaml", &models)
    }

    /// The same with a provider that speaks Responses.
    pub fn native(url: &str) -> Self {
        Self::chat(url).file("provider.yaml", &provider("fake", url, "Responses"))
    }

    /// No files: the built-in providers.
    pub fn without_config() -> Self {
        Self { without_config: true, ..Self::default() }
    }

    /// Starts the proxy so that it may not go to this machine.
    #[must_use]
    pub fn without_loopback(self) -> Self {
        Self { without_loopback: true, ..self }
    }

    /// Adds or replaces a file of the configuration folder.
    #[must_use]
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.files.insert(name.to_owned(), text.to_owned());
        self
    }

    /// Adds command-line flags.
    #[must_use]
    pub fn flags(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(|flag| (*flag).to_owned()));
        self
    }

    /// Sets a variable of the proxy's environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the proxy and waits until it is ready.
    ///
    /// Errors: there is no built proxy, or it does not get ready; the text holds the end of its log.
    pub async fn start(self) -> anyhow::Result<Proxy> {
        Proxy::start(self).await
    }

    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder)?;
        for (name, text) in &self.files {
            std::fs::write(folder.join(name), text).with_context(|| format!("cannot write {name}"))?;
        }
        Ok(())
    }

    /// The arguments that follow from the setup, except addresses and folders.
    pub(super) fn arguments(&self, config: PathBuf) -> Vec<std::ffi::OsString> {
        let mut arguments: Vec<std::ffi::OsString> = Vec::new();
        if !self.without_loopback {
            arguments.push("--egress-allow-loopback".into());
        }
        if !self.without_config {
            arguments.extend(["--config".into(), config.into_os_string()]);
        }
        arguments.extend(self.flags.iter().map(Into::into));
        arguments
    }

    pub(super) fn environment(&self) -> &[(String, String)] {
        &self.environment
    }
}

/// A ModelProvider that passes the caller's key on if there is one.
pub fn provider(name: &str, url: &str, api: &str) -> String {
    format!(
        "apiVersion: fairlead.dev/v1alpha1\nkind: ModelProvider\nmetadata: {{name: {name}}}\nspec:\n  type: OpenAI\n  \
         baseURL: {url}\n  openai: {{api: {api}}}\n  directModels: Allow\n  callerCredentials: Allow\n"
    )
}

/// A Model of one target with the same name upstream.
pub fn model(name: &str, kind: &str, provider: &str) -> String {
    format!(
        "apiVersion: fairlead.dev/v1alpha1\nkind: Model\nmetadata: {{name: {name}}}\nspec:\n  type: {kind}\n  targets:\n  \
         - name: only\n    providerRef: {{name: {provider}}}\n    upstreamModel: {name}\n"
    )
}
