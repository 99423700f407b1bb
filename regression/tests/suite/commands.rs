//! What the program says about configuration without serving it.

use std::path::Path;
use std::process::{Command, Output};

use regression::harness::proxy;
use regression::harness::setup::provider;

/// The two teams of the examples.
fn examples() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/kubernetes");
    let files = ["10-platform.yaml", "20-team-red.yaml", "20-team-blue.yaml"];
    files.iter().flat_map(|file| ["--config".to_owned(), folder.join(file).display().to_string()]).collect()
}

fn run(arguments: &[&str]) -> anyhow::Result<Output> {
    Ok(Command::new(proxy::binary()?).args(arguments).args(examples()).output()?)
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn why_names_the_object_that_answers_and_where_its_calls_go() -> anyhow::Result<()> {
    let red = run(&["why", "smart", "--as", "red"])?;
    let expected =
        "smart: name of the Model smart in namespace team-red\n  target only, priority 0, weight 1: model ";
    assert!(red.status.success() && text(&red).starts_with(expected), "{red:?}");
    let blue = run(&["why", "smart", "--as", "blue"])?;
    assert!(text(&blue).contains("the Model smart in namespace team-blue"), "{blue:?}");
    Ok(())
}

#[test]
fn why_says_what_keeps_a_name_from_a_tenant() -> anyhow::Result<()> {
    let denied = run(&["why", "everyday", "--as", "blue"])?;
    assert_eq!(denied.status.code(), Some(1));
    assert!(text(&denied).contains("the model lists of the Tenant do not let it through"), "{denied:?}");
    let unknown = run(&["why", "typo", "--as", "red"])?;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown).contains("no Model, alias or provider"), "{unknown:?}");
    for (arguments, hint) in
        [(vec!["why", "smart"], "--as TENANT"), (vec!["why", "smart", "--as", "x"], "no Tenant x")]
    {
        let failed = run(&arguments)?;
        assert!(String::from_utf8_lossy(&failed.stderr).contains(hint), "{failed:?}");
    }
    Ok(())
}

#[test]
fn files_with_several_gateways_are_validated_whole_and_rendered_one_by_one() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let gateway = |name: &str| {
        format!(
            "apiVersion: fairlead.dev/v1alpha1\nkind: ResponsesGateway\nmetadata: {{name: {name}, namespace: ai}}\nspec: \
             {{authentication: {{methods: [APIKey]}}}}\n"
        )
    };
    let provider = provider("fake", "http://127.0.0.1:9", "ChatCompletions")
        .replace("{name: fake}", "{name: fake, namespace: ai}");
    let all = [gateway("one"), gateway("two"), provider].join("---\n");
    std::fs::write(folder.path().join("all.yaml"), all)?;
    let run = |arguments: &[&str]| {
        Command::new(proxy::binary()?)
            .args(arguments)
            .arg("--config")
            .arg(folder.path())
            .output()
            .map_err(anyhow::Error::from)
    };
    let validated = run(&["validate"])?;
    assert!(
        validated.status.success() && text(&validated).contains("3 objects, 0 problems"),
        "{validated:?}"
    );
    assert!(!run(&["render"])?.status.success());
    let rendered = run(&["render", "--gateway", "ai/two"])?;
    let rendered: serde_json::Value = serde_json::from_slice(&rendered.stdout)?;
    assert_eq!(rendered["entries"].as_array().map(Vec::len), Some(2));
    Ok(())
}

#[test]
fn validate_and_render_tell_what_has_no_effect_and_succeed() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let gateway = "apiVersion: fairlead.dev/v1alpha1\nkind: ResponsesGateway\nmetadata: {name: main}\nspec: \
                   {authentication: {methods: [APIKey]}, infrastructure: {mode: External, serviceAccounts: [{name: proxy}]}}\n";
    std::fs::write(folder.path().join("gateway.yaml"), gateway)?;
    let run = |command: &str| {
        let output =
            Command::new(proxy::binary()?).args([command, "--config"]).arg(folder.path()).output()?;
        anyhow::Ok(output)
    };
    let is_told = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        text.lines().any(|line| {
            line.starts_with("warning: ") && line.contains("spec.infrastructure: has no effect here")
        })
    };
    let validated = run("validate")?;
    assert!(validated.status.success() && is_told(&validated.stdout), "{validated:?}");
    let rendered = run("render")?;
    assert!(rendered.status.success() && is_told(&rendered.stderr), "{rendered:?}");
    serde_json::from_slice::<serde_json::Value>(&rendered.stdout)?;
    Ok(())
}
