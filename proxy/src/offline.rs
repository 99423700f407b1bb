//! What the program can say about configuration without serving it.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use config::HashKey;

use crate::auth::issuer::Issuers;
use crate::boot::{Environment, install_tls};
use crate::cli::{Choice, Render, Sources, Why};
use crate::live::build::{Frame, Runtime};
use crate::live::files::Files;
use crate::live::load::{Loader, rendered};
use crate::live::{Reaches, why};
use crate::route;
use crate::settings::Flags;

/// Checks configuration files, all their gateways, and prints what is wrong.
///
/// Errors: a path cannot be read.
pub fn validate(sources: &Sources, environment: &Environment) -> anyhow::Result<ExitCode> {
    let mut loader = Loader::default();
    let findings = loader.check(&files(sources, environment))?;
    let mut out = std::io::stdout().lock();
    for finding in &findings {
        writeln!(out, "{finding}")?;
    }
    for warning in loader.warnings() {
        writeln!(out, "warning: {warning}")?;
    }
    writeln!(out, "{} objects, {} problems", loader.count(), findings.len())?;
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints the snapshot of configuration files.
///
/// Errors: a path cannot be read, a file cannot be parsed, there are several gateways and none is chosen, or the key of
/// hashes does not have 32 bytes.
pub fn render(asked: &Render, environment: &Environment) -> anyhow::Result<ExitCode> {
    let key = asked.hash_key_file.as_deref().map(hash_key).transpose()?.unwrap_or_default();
    let (loader, snapshot) = load((&asked.sources, &asked.choice), key, environment)?;
    let mut aside = std::io::stderr().lock();
    for warning in loader.warnings() {
        writeln!(aside, "warning: {warning}")?;
    }
    let text = serde_json::to_string_pretty(&rendered(&snapshot))?;
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(ExitCode::SUCCESS)
}

/// Prints what decides about a model's name; exits with 1 if nothing answers to it.
///
/// Errors: those of [`render`]; a tenant that is not told, or not there.
pub fn why(asked: &Why, environment: &Environment) -> anyhow::Result<ExitCode> {
    install_tls()?;
    let (loader, snapshot) = load((&asked.sources, &asked.choice), HashKey::default(), environment)?;
    let reaches = Reaches { loopback: true, url_models: false };
    let frame = Frame {
        reaches,
        flags: Flags::default(),
        issuers: Issuers::new(true),
        servers: tools::mcp::Pool::default(),
        clients: Arc::default(),
        local: Arc::default(),
    };
    let (runtime, _) = Runtime::build(&snapshot, None, &frame);
    let view = runtime.gate.view(asked.tenant.as_deref()).with_context(|| match &asked.tenant {
        Some(tenant) => format!("the gateway has no Tenant {tenant}"),
        None => "the gateway tells tenants apart: say --as TENANT".to_owned(),
    })?;
    let told = why::model(&runtime, &snapshot, &asked.model, view);
    let (text, code) = match told {
        Ok(text) => (text, ExitCode::SUCCESS),
        Err(text) => (text + &why::candidates(&loader, &asked.model), ExitCode::FAILURE),
    };
    write!(std::io::stdout().lock(), "{text}")?;
    Ok(code)
}

/// Prints the coverage table.
///
/// Errors: standard output is closed.
pub fn routes() -> anyhow::Result<ExitCode> {
    write!(std::io::stdout().lock(), "{}", route::coverage())?;
    Ok(ExitCode::SUCCESS)
}

fn hash_key(path: &Path) -> anyhow::Result<HashKey> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let bytes = <[u8; 32]>::try_from(bytes.as_slice());
    Ok(HashKey::new(bytes.with_context(|| format!("{} does not have 32 bytes", path.display()))?))
}

fn files(sources: &Sources, environment: &Environment) -> Files {
    Files::new(sources.paths.clone(), environment.clone())
}

fn load(
    (sources, choice): (&Sources, &Choice),
    key: HashKey,
    environment: &Environment,
) -> anyhow::Result<(Loader, Arc<config::Snapshot>)> {
    let mut loader = Loader::of(choice.gateway.clone()).hashing_with(key);
    match loader.load(&files(sources, environment))? {
        Ok(snapshot) => Ok((loader, snapshot)),
        Err(findings) => {
            let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
            anyhow::bail!("{}", lines.join("\n"))
        }
    }
}
