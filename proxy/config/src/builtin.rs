//! The providers that are there without any configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::compile::Compiled;
use crate::id::ObjectId;
use crate::read::Schemas;
use crate::secret::Secret;
use crate::world::World;

/// One provider of the table.
struct Row {
    name: &'static str,
    alias: Option<&'static str>,
    base_url: &'static str,
    /// The environment variables that may hold its key; the first that is set counts.
    variables: &'static [&'static str],
}

const TABLE: &[Row] = &[
    row("openai", "https://api.openai.com/v1", &["OPENAI_API_KEY"]),
    row("anthropic", "https://api.anthropic.com/v1", &["ANTHROPIC_API_KEY"]).or("claude"),
    row("groq", "https://api.groq.com/openai/v1", &["GROQ_API_KEY"]),
    row("togetherai", "https://api.together.xyz/v1", &["TOGETHERAI_API_KEY", "TOGETHER_API_KEY"]),
    row("gemini", "https://generativelanguage.googleapis.com/v1beta/openai", &["GEMINI_API_KEY"])
        .or("google"),
    row("deepseek", "https://api.deepseek.com", &["DEEPSEEK_API_KEY"]),
    row("xai", "https://api.x.ai/v1", &["XAI_API_KEY"]),
    row("mistral", "https://api.mistral.ai/v1", &["MISTRAL_API_KEY"]),
    row("openrouter", "https://openrouter.ai/api/v1", &["OPENROUTER_API_KEY"]),
    row("cohere", "https://api.cohere.ai/compatibility/v1", &["COHERE_API_KEY"]),
    row("baseten", "https://inference.baseten.co/v1", &["BASETEN_API_KEY"]),
    row("ollama", "http://localhost:11434/v1", &[]),
    row("vllm", "http://localhost:8000/v1", &[]),
    row("llamacpp", "http://localhost:8080/v1", &[]),
];

const fn row(name: &'static str, base_url: &'static str, variables: &'static [&'static str]) -> Row {
    Row { name, alias: None, base_url, variables }
}

/// Adds the built-in providers to a world that has no ModelProvider at all, with keys from `env`.
///
/// `OPENAI_BASE_URL` replaces the URL of `openai`. Whoever sets it means that server, so private and plain `http://`
/// addresses are then allowed, and model names that nobody knows go there.
pub(crate) fn complete(
    world: &mut World,
    env: &dyn Fn(&str) -> Option<String>,
    schemas: &Schemas,
    last: &Compiled,
) {
    if world.objects.iter().any(|object| object.id.kind == "ModelProvider") {
        return;
    }
    let base_url = env("OPENAI_BASE_URL").filter(|url| !url.is_empty());
    for row in TABLE {
        let key = row.key(env);
        let replaced = base_url.as_deref().filter(|_| row.name == "openai");
        let document = row.document(replaced, key.is_some());
        world.objects.push(Arc::new(schemas.object(row.id(), &document, last)));
        if let Some(key) = key {
            let holder = ObjectId::new("Secret", "default", &row.secret());
            world.secrets.insert(holder, BTreeMap::from([("apiKey".to_owned(), key)]));
        }
    }
    world.fallback_provider = base_url.map(|_| ObjectId::new("ModelProvider", "default", "openai"));
}

impl Row {
    const fn or(self, alias: &'static str) -> Self {
        Self { alias: Some(alias), ..self }
    }

    fn id(&self) -> ObjectId {
        ObjectId::new("ModelProvider", "default", self.name)
    }

    fn secret(&self) -> String {
        format!("builtin-{}", self.name)
    }

    fn key(&self, env: &dyn Fn(&str) -> Option<String>) -> Option<Secret> {
        let values = self.variables.iter().filter_map(|variable| env(variable));
        values.map(Secret::new).find_map(|value| value.for_header())
    }

    fn document(&self, base_url: Option<&str>, has_key: bool) -> Value {
        let mut spec = json!({
            "type": "OpenAI",
            "baseURL": base_url.unwrap_or(self.base_url),
            "directModels": "Allow",
            "callerCredentials": "Allow",
            "allowPlaintextCredentials": base_url.is_some(),
            "allowPrivateEndpoint": base_url.is_some(),
        });
        if let Some(alias) = self.alias {
            spec["aliases"] = json!([alias]);
        }
        if has_key {
            spec["auth"] = json!({"apiKey": {"secretRef": {"name": self.secret(), "key": "apiKey"}}});
        }
        let version = format!("{}/{}", crds::GROUP, crds::VERSION);
        json!({"apiVersion": version, "kind": "ModelProvider", "metadata": {"name": self.name}, "spec": spec})
    }
}
