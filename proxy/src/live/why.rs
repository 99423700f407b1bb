//! Which object answers to a model's name, in words. The runtime decides, as it does for requests.

use std::fmt::Write;

use config::spec::{Credential, ModelSpec, ProviderSpec, Target};
use config::{Snapshot, Spec};

use crate::auth::view::View;
use crate::live::build::Runtime;
use crate::live::load::Loader;
use crate::live::resolve::may_use;

/// Describes the model that answers to `name` in a view, a line for each target.
///
/// Errors: nothing answers to it; in words, too.
pub fn model(runtime: &Runtime, snapshot: &Snapshot, name: &str, view: &View) -> Result<String, String> {
    let found = runtime.model(name, view);
    if !may_use(name, found, view) {
        return Err(format!("{name}: the model lists of the Tenant do not let it through (spec.models)\n"));
    }
    if let Some(found) = found {
        let specs = snapshot.entries.values().find_map(|entry| match &entry.spec {
            Spec::Model(spec) if spec.namespace == found.namespace && spec.name == found.name => Some(spec),
            Spec::Model(_)
            | Spec::Gateway(_)
            | Spec::Tenant(_)
            | Spec::Key(_)
            | Spec::Provider(_)
            | Spec::McpServer(_)
            | Spec::ToolPolicy(_) => None,
        });
        return specs.map(|spec| declared(name, spec, snapshot)).ok_or_else(|| nothing(name));
    }
    let named =
        name.split_once('@').and_then(|(provider, model)| Some((runtime.provider(provider, view)?, model)));
    match named.or_else(|| {
        runtime.fallback.as_ref().filter(|_| !name.contains('@')).map(|fallback| (fallback, name))
    }) {
        Some((provider, model)) => Ok(format!("{name}: model {model} of {}\n", about(&provider.spec))),
        None => Err(nothing(name)),
    }
}

/// Lists the Models that are called so and are not served, with what is wrong with them.
pub fn candidates(loader: &Loader, name: &str) -> String {
    let mut text = String::new();
    for (id, problem) in loader.problems().filter(|(id, _)| id.kind == "Model" && id.name == name) {
        _ = writeln!(text, "  {id}: {problem}");
    }
    text
}

fn nothing(name: &str) -> String {
    format!("{name}: no Model, alias or provider that this caller sees answers to it\n")
}

fn declared(name: &str, spec: &ModelSpec, snapshot: &Snapshot) -> String {
    let what = if name == spec.name { "name" } else { "alias" };
    let mut text = format!("{name}: {what} of the Model {} in namespace {}\n", spec.name, spec.namespace);
    for target in &spec.targets {
        let Target { name, upstream_model, priority, weight, .. } = target;
        let provider = snapshot.entries.get(&target.provider).and_then(|entry| match &entry.spec {
            Spec::Provider(provider) => Some(provider),
            Spec::Gateway(_)
            | Spec::Tenant(_)
            | Spec::Key(_)
            | Spec::Model(_)
            | Spec::McpServer(_)
            | Spec::ToolPolicy(_) => None,
        });
        let provider = provider.map_or_else(|| "a provider that is not served".to_owned(), about);
        _ = writeln!(
            text,
            "  target {name}, priority {priority}, weight {weight}: model {upstream_model} of {provider}"
        );
    }
    if spec.targets.is_empty() {
        text.push_str("  it has no target that can be served\n");
    }
    text
}

/// A provider with its address and where its credential comes from; never the credential.
fn about(provider: &ProviderSpec) -> String {
    let credential = match &provider.credential {
        Credential::None => "no credential of its own".to_owned(),
        Credential::Key { secret, .. } => format!("credential from {secret}"),
        Credential::Missing => "its credential is missing".to_owned(),
    };
    format!(
        "the ModelProvider {} in namespace {} ({}; {credential})",
        provider.name, provider.namespace, provider.base_url
    )
}
