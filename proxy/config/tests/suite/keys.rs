use config::spec::{KeyHash, KeySpec};
use config::{Compiled, Diagnostics, Reason, Spec};

use crate::kit::{Process, placed};

const KEY: &str = "fl-0123456789-0123456789-abc";
/// SHA-256 of [`KEY`].
const HASH: &str = "59185b3f68554b52b2de4e5eb6e2f235c755986466f921425eb9c98b9011957d";
const OTHER: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn gateway(mode: &str) -> String {
    let spec = format!(
        "authentication: {{methods: [APIKey]}}, tenancy: {{mode: {mode}}}, allowedNamespaces: {{from: All}}"
    );
    placed("ResponsesGateway platform/main", &spec)
}

fn tenant(name: &str, namespaces: &str) -> String {
    placed(&format!("Tenant platform/{name}"), &format!("namespaces: [{namespaces}]"))
}

fn key(id: &str, more: &str) -> String {
    let refs = "gatewayRefs: [{name: main, namespace: platform}]";
    placed(&format!("APIKey {id}"), &format!("{refs}, secretRef: {{name: s}}, {more}"))
}

/// The Secret `s` of a namespace.
fn secret(namespace: &str, data: &str) -> String {
    format!(
        "---\n{{apiVersion: v1, kind: Secret, metadata: {{name: s, namespace: {namespace}}}, stringData: {{{data}}}}}\n"
    )
}

fn teams() -> String {
    gateway("Multi") + &tenant("a", "team-a") + &tenant("b", "team-b")
}

fn found<'a>(process: &'a Process, id: &str) -> Option<&'a KeySpec> {
    let Spec::Key(key) = process.at("platform/main", &format!("key/{id}"))? else { panic!("{id}") };
    Some(key)
}

fn reasons(about: &Diagnostics) -> Vec<Reason> {
    about.problems.iter().map(|problem| problem.reason).collect()
}

#[test]
fn a_key_is_known_by_its_hash_alone() {
    let more = "owner: me@example.com, expiresAt: '2027-06-30T00:00:00Z'";
    let process =
        Process::of(&(teams() + &key("team-a/k", more) + &secret("team-a", &format!("key: '{KEY}'"))));
    let expected = KeySpec {
        name: "k".into(),
        tenant: "a".into(),
        owner: Some("me@example.com".into()),
        hashes: vec![KeyHash { sha256: HASH.into(), not_after: None }],
        disabled: false,
        expires_at: Some(1_814_313_600),
    };
    assert_eq!(found(&process, "team-a/k"), Some(&expected));
    assert!(process.compiled.snapshots.values().all(|snapshot| snapshot.secrets.is_empty()));
    assert!(!format!("{:?}{:?}", process.compiled, process.findings()).contains(KEY));
}

#[test]
fn a_hash_in_place_of_the_key_is_enough() {
    let process = Process::of(
        &(teams()
            + &key("team-a/k", "disabled: true")
            + &secret("team-a", &format!("sha256: '{}'", OTHER.to_uppercase()))),
    );
    let found = found(&process, "team-a/k").unwrap();
    assert_eq!((found.hashes[0].sha256.as_str(), found.disabled), (OTHER, true));
}

#[test]
fn the_key_before_counts_until_its_end() {
    let previous = |end: &str| {
        let data = format!("key: '{KEY}', previousSHA256: '{OTHER}', {end}");
        let process = Process::of(&(teams() + &key("team-a/k", "") + &secret("team-a", &data)));
        found(&process, "team-a/k").unwrap().hashes.clone()
    };
    let end = Some(1_814_313_600);
    assert_eq!(
        previous("previousNotAfter: '2027-06-30T00:00:00Z'")[1..],
        [KeyHash { sha256: OTHER.into(), not_after: end }]
    );
    assert_eq!(previous("previousNotAfter: soon")[1..], []);
    assert_eq!(previous("")[1..], []);
}

#[test]
fn a_key_without_its_secret_is_out_at_once() {
    let yaml = teams() + &key("team-a/k", "");
    let mut process = Process::of(&(yaml.clone() + &secret("team-a", &format!("key: '{KEY}'"))));
    assert!(found(&process, "team-a/k").is_some());
    process.apply(&yaml);
    assert!(found(&process, "team-a/k").is_none());
    let about = process.of_object("APIKey team-a/k");
    assert_eq!((reasons(about), about.serving, about.degraded), (vec![Reason::SecretNotFound], None, None));
}

#[test]
fn a_secret_that_holds_no_key_is_named() {
    let reason = |data: &str| {
        let process = Process::of(&(teams() + &key("team-a/k", "") + &secret("team-a", data)));
        assert!(found(&process, "team-a/k").is_none(), "{data}");
        reasons(process.of_object("APIKey team-a/k"))
    };
    assert_eq!(reason("other: x"), [Reason::SecretKeyNotFound]);
    assert_eq!(reason("key: 'too-short'"), [Reason::InvalidSecret]);
    assert_eq!(reason("sha256: 'abc'"), [Reason::InvalidSecret]);
}

#[test]
fn an_update_that_breaks_a_rule_takes_the_key_out() {
    let secret = secret("team-a", &format!("key: '{KEY}'"));
    let mut process = Process::of(&(teams() + &key("team-a/k", "") + &secret));
    process.apply(&(teams() + &key("team-a/k", "expiresAt: soon") + &secret));
    assert!(found(&process, "team-a/k").is_none());
}

#[test]
fn where_there_are_no_tenants_every_key_is_of_the_default_one() {
    let secret = secret("team-a", &format!("key: '{KEY}'"));
    let process = Process::of(&(gateway("Single") + &key("team-a/k", "") + &secret));
    assert_eq!(found(&process, "team-a/k").unwrap().tenant, "default");
    let named = Process::of(&(gateway("Single") + &key("team-a/k", "tenantRef: {name: b}") + &secret));
    assert!(found(&named, "team-a/k").is_none());
}

#[test]
fn only_the_namespace_of_the_gateway_makes_keys_for_other_tenants() {
    let tenant = |id: &str, more: &str| {
        let namespace = id.split_once('/').unwrap().0;
        let process = Process::of(&(teams() + &key(id, more) + &secret(namespace, &format!("key: '{KEY}'"))));
        found(&process, id)
            .map(|key| key.tenant.clone())
            .ok_or_else(|| reasons(process.of_object(&format!("APIKey {id}"))))
    };
    assert_eq!(tenant("team-a/k", "tenantRef: {name: a}"), Ok("a".into()));
    assert_eq!(tenant("team-a/k", "tenantRef: {name: b}"), Err(vec![Reason::RefNotPermitted]));
    assert_eq!(tenant("team-a/k", "tenantRef: {name: none}"), Err(vec![Reason::RefNotPermitted]));
    assert_eq!(tenant("team-c/k", ""), Err(vec![Reason::TargetNotFound]));
    assert_eq!(tenant("platform/k", "tenantRef: {name: b}"), Ok("b".into()));
    assert_eq!(tenant("platform/k", "tenantRef: {name: none}"), Err(vec![Reason::TargetNotFound]));
    assert_eq!(tenant("platform/k", ""), Err(vec![Reason::TargetNotFound]));
}

#[test]
fn of_two_equal_keys_the_older_counts_and_the_younger_does_not_hear_whose_it_is() {
    let older =
        key("team-b/k", "").replace("name: k,", "name: k, creationTimestamp: '2026-01-01T00:00:00Z',");
    let secrets = ["team-a", "team-b"].map(|namespace| secret(namespace, &format!("key: '{KEY}'"))).concat();
    let process = Process::of(&(teams() + &key("team-a/k", "") + &older + &secrets));
    assert!(found(&process, "team-a/k").is_none() && found(&process, "team-b/k").is_some());
    let about = process.of_object("APIKey team-a/k");
    assert_eq!(reasons(about), [Reason::Conflicted]);
    assert!(!about.problems[0].message.contains("team-b"), "{about:?}");
    assert_eq!(
        process.of_object("APIKey team-b/k").notes,
        ["APIKey team-a/k has the same key, and is refused"]
    );
}

#[test]
fn a_key_of_nobody_blocks_no_other() {
    let older = key("lost/k", "").replace("name: k,", "name: k, creationTimestamp: '2026-01-01T00:00:00Z',");
    let secrets = ["team-a", "lost"].map(|namespace| secret(namespace, &format!("key: '{KEY}'"))).concat();
    let process = Process::of(&(teams() + &key("team-a/k", "") + &older + &secrets));
    assert!(found(&process, "team-a/k").is_some() && found(&process, "lost/k").is_none());
}

#[test]
fn keys_go_with_their_tenant() {
    let mut process =
        Process::of(&(teams() + &key("team-a/k", "") + &secret("team-a", &format!("key: '{KEY}'"))));
    process.apply(
        &(gateway("Multi")
            + &tenant("b", "team-b")
            + &key("team-a/k", "")
            + &secret("team-a", &format!("key: '{KEY}'"))),
    );
    assert!(found(&process, "team-a/k").is_none());
}

#[test]
fn the_secrets_that_objects_need_are_known_before_they_are_read() {
    let elsewhere = "type: OpenAI, baseURL: 'https://x.example.com', auth: {apiKey: {secretRef: {name: p, key: k, namespace: vault}}}";
    let process =
        Process::of(&(teams() + &key("team-a/k", "") + &placed("ModelProvider platform/p", elsewhere)));
    let wanted: Vec<_> = config::wanted(&process.loaded.world.objects, &Compiled::default())
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(wanted, ["Secret team-a/s", "Secret vault/p"]);
}
