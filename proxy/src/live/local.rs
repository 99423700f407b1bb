//! MCP servers that are programs on this machine, from a file as other MCP clients have it: `{"mcpServers": {"files":
//! {"command": "files-server", "args": ["/srv"], "env": {"TOKEN": "${FILES_TOKEN}"}}}}`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use secrecy::SecretString;
use serde::Deserialize;
use tools::mcp::Program;

use crate::boot::Environment;
use crate::live::servers::Offered;

/// What every program sees of the environment, beside what the file gives it.
const INHERITED: [&str; 2] = ["PATH", "HOME"];
const LABEL_BYTES: usize = 64;

/// The servers by label.
pub type Local = Arc<BTreeMap<String, Arc<Offered>>>;

#[derive(Deserialize)]
struct File {
    #[serde(rename = "mcpServers")]
    servers: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    command: String,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(rename = "type", default)]
    _transport: Transport,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Transport {
    #[default]
    Stdio,
}

/// Reads the file; nothing is started. `${NAME}` in it stands for a variable of `environment`, `${NAME:-text}` for the text
/// where there is none.
///
/// Errors: the file cannot be read, is not of that form, or names a variable that is not set.
pub fn read(path: &Path, environment: &Environment) -> anyhow::Result<Local> {
    let about = || path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", about()))?;
    let programs = programs(&text, environment).with_context(about)?;
    let offered = programs.into_iter().map(|(label, program)| {
        let offered = Offered::of_program(&label, program);
        (label, Arc::new(offered))
    });
    Ok(Arc::new(offered.collect()))
}

fn programs(text: &str, environment: &Environment) -> anyhow::Result<Vec<(String, Program)>> {
    let read: Result<File, _> =
        serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text));
    // Of what is wrong, the text may hold secrets: place and kind of the mistake are told.
    let file = read.map_err(|error| anyhow::anyhow!("{}: {}", error.path(), kind(error.inner())))?;
    let program = |(label, entry): (String, Entry)| {
        let about = || format!("mcpServers.{label}");
        anyhow::ensure!(
            is_label(&label),
            "{}: a name starts with a letter and holds letters, digits, _ and - only, 64 at most",
            about()
        );
        let program = entry.program(&label, environment).with_context(about)?;
        Ok((label, program))
    };
    file.servers.into_iter().map(program).collect()
}

/// What serde says names fields and types; of values it would show strings.
fn kind(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once("invalid type: ") {
        Some((_, rest)) => {
            let wanted = rest.split_once("expected ").map_or("another type", |(_, wanted)| wanted);
            format!("expected {wanted}")
        }
        None => text,
    }
}

fn is_label(name: &str) -> bool {
    name.len() <= LABEL_BYTES
        && name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

impl Entry {
    fn program(self, label: &str, environment: &Environment) -> anyhow::Result<Program> {
        let expanded = |text: &str, about: &str| expand(text, environment).with_context(|| about.to_owned());
        let command = expanded(&self.command, "command")?;
        let arguments =
            self.args.iter().enumerate().map(|(place, argument)| {
                Ok(SecretString::from(expanded(argument, &format!("args[{place}]"))?))
            });
        let arguments = arguments.collect::<anyhow::Result<_>>()?;
        let inherited = INHERITED.into_iter().filter_map(|name| Some((name, environment.get(name)?)));
        let mut variables: BTreeMap<_, _> =
            inherited.map(|(name, value)| (name.to_owned(), SecretString::from(value.clone()))).collect();
        for (name, value) in &self.env {
            let value = expanded(value, &format!("env.{name}"))?;
            variables.insert(name.clone(), SecretString::from(value));
        }
        Ok(Program::new(label.to_owned(), command, arguments, variables))
    }
}

fn expand(text: &str, environment: &Environment) -> anyhow::Result<String> {
    let (mut expanded, mut rest) = (String::new(), text);
    while let Some((before, reference)) = rest.split_once("${") {
        let Some((reference, after)) = reference.split_once('}') else { break };
        let (name, instead) =
            reference.split_once(":-").map_or((reference, None), |(name, text)| (name, Some(text)));
        let value = environment.get(name).map(String::as_str).or(instead);
        expanded.push_str(before);
        expanded.push_str(value.with_context(|| format!("the variable {name} is not set"))?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        [("PATH", "/bin"), ("HOME", "/root"), ("KEY", "sk-1"), ("OTHER", "x")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    fn refused(text: &str) -> String {
        format!("{:#}", programs(text, &environment()).expect_err("refused"))
    }

    #[test]
    fn variables_stand_where_they_are_named_and_once() {
        let environment = environment();
        let expanded = |text: &str| expand(text, &environment).expect("set");
        assert_eq!(expanded("Bearer ${KEY}, ${NONE:-none}"), "Bearer sk-1, none");
        assert_eq!(expanded("$KEY ${"), "$KEY ${");
        let nested = [("A".to_owned(), "${KEY}".to_owned())].into();
        assert_eq!(expand("${A}", &nested).expect("set"), "${KEY}");
    }

    #[test]
    fn a_mistake_is_named_with_its_place_and_without_a_value() {
        for (text, expected) in [
            (r#"{"mcpServers": {"files": {}}}"#, "mcpServers.files: missing field `command`"),
            (
                r#"{"mcpServers": {"a": {"command": "x", "args": [5]}}}"#,
                "mcpServers.a.args[0]: expected a string",
            ),
            (
                r#"{"mcpServers": {"a": {"command": "x", "env": {"K": ["sk-secret"]}}}}"#,
                "mcpServers.a.env.K: expected a string",
            ),
            (
                r#"{"mcpServers": {"a": {"command": "x", "args": "sk-secret"}}}"#,
                "mcpServers.a.args: expected a sequence",
            ),
            (r#"{"mcpServers": {"a": {"url": "https://x"}}}"#, "mcpServers.a.url: unknown field `url`"),
            (
                r#"{"mcpServers": {"a": {"type": "sse", "command": "x"}}}"#,
                "mcpServers.a.type: unknown variant `sse`",
            ),
            (r#"{"mcpServers": {"a.b": {"command": "x"}}}"#, "mcpServers.a.b: a name starts with a letter"),
            (
                r#"{"mcpServers": {"a": {"command": "x", "env": {"K": "${NONE}"}}}}"#,
                "mcpServers.a: env.K: the variable NONE is not set",
            ),
            (r#"{"mcpServers": "#, "mcpServers: EOF while parsing"),
            (r#"{}"#, ".: missing field `mcpServers`"),
        ] {
            let said = refused(text);
            assert!(said.starts_with(expected), "{said}");
            assert!(!said.contains("sk-secret"), "{said}");
        }
    }

    #[test]
    fn a_program_needs_a_command_alone() {
        let text = r#"{"mcpServers": {"files": {"command": "files-server"}, "b": {"type": "stdio", "command": "b"}}}"#;
        let programs = programs(text, &environment()).expect("good");
        assert_eq!(programs.iter().map(|(label, _)| label.as_str()).collect::<Vec<_>>(), ["b", "files"]);
    }
}
