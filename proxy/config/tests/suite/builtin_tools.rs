//! What a gateway says of the built-in tools.

use config::spec::{Fetch, GatewaySpec, WebSearch};
use config::{Degraded, Reason, Spec};

use crate::kit::{Process, placed};

const KEY: &str = "---\n{apiVersion: v1, kind: Secret, metadata: {name: k, namespace: platform}, stringData: {token: sk-1}}\n";
const FAR: &str =
    "---\n{apiVersion: v1, kind: Secret, metadata: {name: k, namespace: keys}, stringData: {token: sk-2}}\n";

fn gateway(tools: &str) -> String {
    let open = "authentication: {mode: Disabled, acknowledgeInsecure: true}";
    placed("ResponsesGateway platform/main", &format!("{open}, tools: {{webSearch: {{{tools}}}}}"))
}

fn spec(process: &Process) -> &GatewaySpec {
    let Some(Spec::Gateway(spec)) = process.at("platform/main", "gateway/platform/main") else { panic!() };
    spec
}

fn reasons(process: &Process) -> Vec<Reason> {
    let about = process.of_object("ResponsesGateway platform/main");
    about.problems.iter().map(|problem| problem.reason).collect()
}

fn key(process: &Process) -> (Option<&str>, &str) {
    let Some(WebSearch::Brave(api) | WebSearch::Tavily(api)) = &spec(process).web_search else { panic!() };
    let snapshot = process.compiled.only().unwrap().1;
    let value = api.key.as_ref().map(|held| snapshot.secrets[&held.secret].expose());
    (value, &api.base_url)
}

#[test]
fn a_gateway_names_its_search_engine() {
    let none = Process::of(&placed(
        "ResponsesGateway platform/main",
        "authentication: {methods: [APIKey]}, limits: {fetch: {pageBytes: 2048}}",
    ));
    assert_eq!(spec(&none).web_search, None);
    assert_eq!(spec(&none).fetch, Fetch { page_bytes: 2048, timeout_ms: 10_000 });
    let process = Process::of(&gateway("type: SearXNG, searxng: {url: 'http://searxng.search.svc:8080/'}"));
    let url = "http://searxng.search.svc:8080".to_owned();
    assert_eq!(spec(&process).web_search, Some(WebSearch::Searxng { url }));
    assert_eq!(spec(&process).fetch, Fetch::default());
    let brave = "type: Brave, brave: {apiKeySecretRef: {name: k, key: token}}";
    let process = Process::of(&(gateway(brave) + KEY));
    assert_eq!(key(&process), (Some("sk-1"), "https://api.search.brave.com/res/v1"));
    let written = serde_json::to_string(spec(&process)).unwrap() + &format!("{:?}", process.compiled);
    assert!(!written.contains("sk-1"));
    let tavily = "type: Tavily, tavily: {apiKeySecretRef: {name: k, key: token}, baseURL: 'https://out.example.com/t/'}";
    assert_eq!(key(&Process::of(&(gateway(tavily) + KEY))), (Some("sk-1"), "https://out.example.com/t"));
}

#[test]
fn a_missing_key_is_told_and_the_last_one_stays() {
    let brave = gateway("type: Brave, brave: {apiKeySecretRef: {name: k, key: token}}");
    let mut process = Process::of(&brave);
    assert_eq!((key(&process).0, reasons(&process)), (None, vec![Reason::SecretNotFound]));
    process.apply(&(brave.clone() + KEY));
    assert_eq!((key(&process).0, reasons(&process)), (Some("sk-1"), vec![]));
    process.apply(&brave);
    assert_eq!((key(&process).0, reasons(&process)), (Some("sk-1"), vec![Reason::SecretNotFound]));
    let degraded = process.of_object("ResponsesGateway platform/main").degraded;
    assert_eq!(degraded, Some(Degraded::ServingLastGood));
}

#[test]
fn a_key_of_another_namespace_needs_a_grant() {
    let brave = gateway("type: Brave, brave: {apiKeySecretRef: {name: k, namespace: keys, key: token}}");
    let closed = Process::of(&(brave.clone() + FAR));
    assert_eq!((key(&closed).0, reasons(&closed)), (None, vec![Reason::RefNotPermitted]));
    let grant = "---\n{apiVersion: gateway.networking.k8s.io/v1, kind: ReferenceGrant, metadata: {name: g, namespace: keys}, spec: {from: [{group: fairlead.dev, kind: ResponsesGateway, namespace: platform}], to: [{group: '', kind: Secret}]}}\n";
    assert_eq!(key(&Process::of(&(brave + FAR + grant))).0, Some("sk-2"));
}
