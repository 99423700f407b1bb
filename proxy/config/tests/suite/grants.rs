use config::spec::Credential;
use config::{EntryId, Reason, Spec};

use crate::kit::{Process, model, placed, provider};

const ELSEWHERE: &str = "auth: {apiKey: {secretRef: {name: s, key: k, namespace: vault}}}";

fn secret() -> &'static str {
    "---\n{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: vault}, stringData: {k: sk-1}}\n"
}

/// A ReferenceGrant in `namespace` for `from` of `default` to `to`.
fn grant(namespace: &str, from: &str, to: &str) -> String {
    let from = format!("{{group: fairlead.dev, kind: {from}, namespace: default}}");
    format!(
        "---\n{{apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant, metadata: {{name: g, namespace: {namespace}}}, spec: {{from: [{from}], to: [{to}]}}}}\n"
    )
}

fn to_secret() -> String {
    grant("vault", "ModelProvider", "{group: '', kind: Secret}")
}

fn credential(process: &Process) -> &Credential {
    &process.provider("p").unwrap().credential
}

#[test]
fn a_secret_elsewhere_needs_a_grant() {
    let yaml = provider("p", ELSEWHERE) + secret();
    let closed = Process::of(&yaml);
    assert_eq!(*credential(&closed), Credential::Missing);
    assert!(closed.snapshot().secrets.is_empty());
    assert_eq!(closed.about("ModelProvider", "p").problems[0].reason, Reason::RefNotPermitted);
    let missing = Process::of(&provider("p", ELSEWHERE));
    assert_eq!(closed.about("ModelProvider", "p").problems, missing.about("ModelProvider", "p").problems);
    let open = Process::of(&(yaml + &to_secret()));
    assert!(matches!(credential(&open), Credential::Key { .. }));
    assert_eq!(open.snapshot().secrets.values().next().unwrap().expose(), "sk-1");
}

#[test]
fn the_last_key_does_not_outlive_its_grant() {
    let yaml = provider("p", ELSEWHERE) + secret();
    let mut process = Process::of(&(yaml.clone() + &to_secret()));
    process.apply(&(provider("p", ELSEWHERE) + &to_secret()));
    assert!(
        matches!(credential(&process), Credential::Key { .. }),
        "the Secret is gone, and its last value stays"
    );
    process.apply(&yaml);
    assert_eq!(*credential(&process), Credential::Missing);
    assert!(process.snapshot().secrets.is_empty());
}

#[test]
fn a_provider_elsewhere_may_be_opened_by_a_grant() {
    let provider = placed("ModelProvider shared/p", "type: OpenAI, baseURL: 'https://x.example.com'");
    let yaml = provider + &model("m", "p", "").replace("{name: p}", "{name: p, namespace: shared}");
    let targets = |yaml: &str| Process::of(yaml).model("m").unwrap().targets.len();
    let to = |name: &str| format!("{{group: fairlead.dev, kind: ModelProvider, name: {name}}}");
    assert_eq!(targets(&yaml), 0);
    assert_eq!(targets(&(yaml.clone() + &grant("shared", "Model", &to("p")))), 1);
    assert_eq!(targets(&(yaml.clone() + &grant("shared", "Model", &to("q")))), 0);
    assert_eq!(targets(&(yaml + &grant("default", "Model", &to("p")))), 0);
}

#[test]
fn a_grant_that_cannot_be_read_is_named_and_grants_nothing() {
    let bad = to_secret().replace("kind: Secret}", "kind: Secret, until: x}");
    let process = Process::of(&(provider("p", ELSEWHERE) + secret() + &bad));
    assert_eq!(*credential(&process), Credential::Missing);
    assert!(
        process
            .findings()
            .iter()
            .any(|finding| finding.contains("ReferenceGrant vault/g: spec: unknown field")),
        "{:?}",
        process.findings()
    );
}

#[test]
fn a_provider_is_admitted_by_labels() {
    let choice = "allowedNamespaces: {from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: default}}}";
    let provider = placed(
        "ModelProvider shared/p",
        &format!("type: OpenAI, baseURL: 'https://x.example.com', {choice}"),
    );
    let process =
        Process::of(&(provider + &model("m", "p", "").replace("{name: p}", "{name: p, namespace: shared}")));
    let Some(Spec::Model(model)) = process.at("default/default", "model/default/m") else { panic!() };
    assert_eq!(model.targets[0].provider, EntryId::provider("shared", "p"));
}
