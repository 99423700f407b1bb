use std::collections::{BTreeMap, BTreeSet};

use config::spec::{
    Action, Consent, Filter, McpApproval, McpCredential, McpProtocol, PolicySubject, PolicyTarget, Subject,
    Taint, ToolType,
};
use config::{Degraded, EntryId, McpServerSpec, PolicySpec, Reason, Spec};

use crate::kit::{Process, placed, secret};

const URL: &str = "endpoint: {url: 'https://mcp.example.com/mcp'}";
const OPEN: &str =
    "authentication: {mode: Disabled, acknowledgeInsecure: true}, allowedNamespaces: {from: All}";

fn server(name: &str, more: &str) -> String {
    placed(&format!("MCPServer default/{name}"), more)
}

fn policy(name: &str, more: &str) -> String {
    placed(
        &format!("ToolPolicy default/{name}"),
        &format!("targetRefs: [{{kind: MCPServer, name: s}}], {more}"),
    )
}

fn found<'a>(process: &'a Process, entry: &str) -> Option<&'a Spec> {
    process.at("default/default", entry)
}

fn the_server(process: &Process) -> &McpServerSpec {
    let Some(Spec::McpServer(spec)) = found(process, "mcp/default/s") else { panic!() };
    spec
}

fn the_policy(process: &Process) -> &PolicySpec {
    let Some(Spec::ToolPolicy(spec)) = found(process, "policy/default/p") else { panic!() };
    spec
}

/// What is wrong with anything but the built-in providers.
fn findings(process: &Process) -> Vec<String> {
    process.findings().into_iter().filter(|finding| !finding.starts_with("built-in")).collect()
}

fn reasons(about: &config::Diagnostics) -> Vec<Reason> {
    about.problems.iter().map(|problem| problem.reason).collect()
}

#[test]
fn the_defaults_of_a_server_are_applied() {
    let process = Process::of(&server("s", URL));
    let spec = the_server(&process);
    assert_eq!((spec.label.as_str(), spec.url.as_deref()), ("s", Some("https://mcp.example.com/mcp")));
    assert_eq!((spec.protocol, &spec.credential), (McpProtocol::Auto, &McpCredential::None));
    assert_eq!(spec.approval, McpApproval::Always(BTreeSet::new()));
    assert_eq!(spec.tools.filter, Filter::default());
    let times = spec.timeouts;
    let times = [times.connect_ms, times.list_ms, times.call_ms, times.total_ms, spec.catalog_ttl_ms];
    assert_eq!(times, [2000, 10_000, 60_000, 300_000, 60_000]);
    let limits = spec.limits;
    let limits = [limits.concurrent_calls, limits.calls_per_second, limits.result_bytes, limits.tools];
    assert_eq!(limits, [16, 20, 262_144, 1000]);
    assert!(!spec.allow_private_endpoint && !spec.tools.trust_annotations);
    assert_eq!(process.findings(), Vec::<String>::new());
}

#[test]
fn a_service_is_private_by_itself_and_elsewhere_needs_a_grant() {
    let near = Process::of(&server("s", "endpoint: {serviceRef: {name: wiki, port: 8080}}"));
    assert_eq!(the_server(&near).url.as_deref(), Some("http://wiki.default.svc:8080/mcp"));
    assert!(the_server(&near).allow_private_endpoint);
    let far = server(
        "s",
        "endpoint: {serviceRef: {name: wiki, namespace: docs, port: 443, path: /x, scheme: https}}",
    );
    let closed = Process::of(&far);
    assert_eq!(the_server(&closed).url, None);
    assert_eq!(reasons(closed.about("MCPServer", "s")), [Reason::RefNotPermitted]);
    let grant = "---\n{apiVersion: gateway.networking.k8s.io/v1, kind: ReferenceGrant, metadata: {name: g, namespace: docs}, spec: {from: [{group: fairlead.dev, kind: MCPServer, namespace: default}], to: [{group: '', kind: Service}]}}\n";
    assert_eq!(the_server(&Process::of(&(far + grant))).url.as_deref(), Some("https://wiki.docs.svc:443/x"));
}

#[test]
fn credentials_are_named_in_the_entry_and_kept_beside_it() {
    let bearer = format!("{URL}, auth: {{bearer: {{secretRef: {{name: k, key: token}}}}}}");
    let headers = format!("{URL}, auth: {{headers: [{{name: X-Key, secretRef: {{name: k, key: token}}}}]}}");
    let client = format!(
        "{URL}, auth: {{oauthClientCredentials: {{tokenURL: 'https://idp.example.com/t', clientSecretRef: {{name: c}}, scopes: [b, a]}}}}"
    );
    let pair = "---\n{apiVersion: v1, kind: Secret, metadata: {name: c}, stringData: {clientID: me, clientSecret: sk-2}}\n";
    let with = |spec: &str| Process::of(&(server("s", spec) + &secret("k", "token", "sk-1") + pair));
    let values = |process: &Process| {
        process.snapshot().secrets.values().map(|value| value.expose().to_owned()).collect::<Vec<_>>()
    };
    let process = with(&bearer);
    assert!(matches!(the_server(&process).credential, McpCredential::Bearer(_)));
    assert_eq!(values(&process), ["sk-1"]);
    let McpCredential::Headers(headers) = the_server(&with(&headers)).credential.clone() else { panic!() };
    assert_eq!(headers.keys().collect::<Vec<_>>(), ["x-key"]);
    let process = with(&client);
    let McpCredential::ClientCredentials(client) = &the_server(&process).credential else { panic!() };
    assert_eq!((client.resource.as_str(), client.scopes.len()), ("https://mcp.example.com/mcp", 2));
    assert_eq!(values(&process), ["me", "sk-2"]);
    let written = serde_json::to_string(the_server(&process)).unwrap() + &format!("{:?}", process.compiled);
    assert!(!written.contains("sk-2"));
}

#[test]
fn a_missing_value_is_told_and_the_last_one_stays_where_that_is_allowed() {
    let spec = format!("{URL}, auth: {{bearer: {{secretRef: {{name: k, key: token}}}}}}");
    let mut process = Process::of(&(server("s", &spec) + &secret("k", "token", "sk-1")));
    let before = process.snapshot().clone();
    process.apply(&server("s", &spec));
    assert_eq!(*process.snapshot(), before);
    assert_eq!(process.about("MCPServer", "s").degraded, Some(Degraded::ServingLastGood));
    process.apply(&server("s", &format!("{spec}, onMissingSecret: Fail")));
    assert_eq!(the_server(&process).credential, McpCredential::Missing);
    assert_eq!(reasons(process.about("MCPServer", "s")), [Reason::SecretNotFound]);
}

#[test]
fn of_two_servers_with_one_label_the_older_wins() {
    let aged = |name: &str, day: u8| {
        let yaml = server(name, &format!("{URL}, serverLabel: docs"));
        yaml.replace(
            "namespace: default}",
            &format!("namespace: default, creationTimestamp: '2026-01-0{day}T00:00:00Z'}}"),
        )
    };
    let process = Process::of(&(aged("a", 2) + &aged("s", 1)));
    assert_eq!(the_server(&process).label, "docs");
    assert!(found(&process, "mcp/default/a").is_none());
    assert_eq!(reasons(process.about("MCPServer", "a")), [Reason::Conflicted]);
}

#[test]
fn two_tenants_may_have_one_label_each() {
    let gateway = placed(
        "ResponsesGateway platform/main",
        "authentication: {methods: [APIKey]}, tenancy: {mode: Multi}, allowedNamespaces: {from: All}",
    );
    let of = |team: &str| {
        let refs = "gatewayRefs: [{name: main, namespace: platform}]";
        placed(&format!("Tenant platform/{team}"), &format!("namespaces: [{team}]"))
            + &placed(&format!("MCPServer {team}/s"), &format!("{refs}, serverLabel: docs, {URL}"))
    };
    let process = Process::of(&(gateway + &of("red") + &of("blue")));
    assert_eq!(findings(&process), Vec::<String>::new());
    let has = |entry: &str| process.at("platform/main", entry).is_some();
    assert!(has("mcp/red/s") && has("mcp/blue/s"));
}

#[test]
fn tenants_narrow_servers_and_say_whether_callers_bring_their_own() {
    let gateway = placed(
        "ResponsesGateway platform/main",
        "authentication: {methods: [APIKey]}, tenancy: {mode: Multi}, callerURLs: {mcpServers: Allow, hosts: ['*.example.com']}",
    );
    let tenant = placed(
        "Tenant platform/red",
        "mcpServers: {allow: ['d*'], deny: [drop]}, callerURLs: {mcpServers: Deny}",
    );
    let process = Process::of(&(gateway + &tenant));
    let Some(Spec::Tenant(tenant)) = process.at("platform/main", "tenant/platform/red") else { panic!() };
    let passes = ["docs", "drop", "wiki"].map(|label| tenant.mcp_servers.passes(label));
    assert_eq!(passes, [true, false, false]);
    let Some(Spec::Gateway(gateway)) = process.at("platform/main", "gateway/platform/main") else { panic!() };
    let within = tenant.caller_urls.within(&gateway.caller_urls);
    assert_eq!(within.mcp_servers, Some(Consent::Deny));
    assert_eq!(within.hosts, Some(["*.example.com".to_owned()].into()));
}

#[test]
fn a_policy_is_compiled_and_sorted() {
    let rules = "{name: z, action: Deny}, {name: a, action: Allow, tools: {names: ['get_*'], types: [MCP], annotations: {readOnlyHint: true}}, when: 'args.n < 5', subjects: [{serviceAccount: {namespace: team}}], limits: {maxCallsPerResponse: 3, callsPerMinute: 9}}";
    let result = "result: {maxBytes: 2048, redact: [{name: b, pattern: 'sk-[a-z]+'}, {name: a, pattern: x, replacement: z}]}";
    let process = Process::of(
        &(server("s", URL)
            + &policy(
                "p",
                &format!("defaultAction: RequireApproval, taint: Deny, rules: [{rules}], {result}"),
            )),
    );
    assert_eq!(process.findings(), Vec::<String>::new());
    let spec = the_policy(&process);
    assert_eq!(
        (spec.name.as_str(), spec.default_action, spec.taint),
        ("default/p", Action::RequireApproval, Taint::Deny)
    );
    let server = EntryId::new("mcp", "default", "s");
    assert_eq!(spec.targets, BTreeSet::from([PolicyTarget::Server(server)]));
    let names: Vec<_> = spec.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["a", "z"]);
    let rule = &spec.rules[0];
    assert_eq!((rule.calls_per_response, rule.calls_per_minute), (Some(3), Some(9)));
    let account = Subject::ServiceAccount { namespace: "team".into(), name: None };
    assert_eq!(rule.subjects, Some(vec![PolicySubject::Token(account)]));
    let choice = rule.tools.as_ref().unwrap();
    assert_eq!(choice.types, Some(BTreeSet::from([ToolType::Mcp])));
    assert_eq!(choice.annotations, BTreeMap::from([("readOnlyHint".to_owned(), true)]));
    let redactions: Vec<_> =
        spec.redactions.iter().map(|one| (one.pattern.as_str(), one.replacement.as_str())).collect();
    assert_eq!(redactions, [("x", "z"), ("sk-[a-z]+", "[redacted]")]);
    assert_eq!(spec.result_bytes, Some(2048));
}

#[test]
fn a_bad_expression_is_told_with_its_path_and_denies_until_it_is_mended() {
    let bad = policy(
        "p",
        "defaultAction: Allow, rules: [{name: a, action: Deny, when: 'reqest.headers == 1'}], result: {redact: [{name: a, pattern: '('}]}",
    );
    let process = Process::of(&(server("s", URL) + &bad));
    let expected = [
        "a.yaml:4: ToolPolicy default/p: spec.result.redact[0].pattern: not a pattern: unclosed group",
        "a.yaml:4: ToolPolicy default/p: spec.rules[0].when: unknown variable `reqest`",
    ];
    assert_eq!(process.findings(), expected);
    let spec = the_policy(&process);
    assert_eq!((spec.default_action, spec.rules.len(), spec.targets.len()), (Action::Deny, 0, 1));
    assert!(process.about("ToolPolicy", "p").notes[0].contains("is denied"));
}

#[test]
fn a_broken_rule_of_the_schema_denies_too() {
    let process = Process::of(&(server("s", URL) + &policy("p", "defaultAction: Perhaps")));
    assert_eq!(the_policy(&process).default_action, Action::Deny);
    assert!(!process.about("ToolPolicy", "p").is_accepted());
}

#[test]
fn a_policy_that_turns_bad_stays_as_it_was() {
    let good = policy("p", "defaultAction: RequireApproval");
    let mut process = Process::of(&(server("s", URL) + &good));
    let before = process.snapshot().clone();
    process.apply(
        &(server("s", URL)
            + &policy("p", "defaultAction: Allow, rules: [{name: a, action: Deny, when: '('}]")),
    );
    assert_eq!(*process.snapshot(), before);
    assert_eq!(process.about("ToolPolicy", "p").degraded, Some(Degraded::ServingLastGood));
}

#[test]
fn what_stands_in_for_a_bad_policy_is_never_its_last_good_form() {
    let bad = |target: &str| {
        policy("p", "defaultAction: Perhaps").replace("name: s}", &format!("name: {target}}}"))
    };
    let servers = server("s", URL) + &server("t", URL);
    let mut process = Process::of(&(servers.clone() + &bad("s")));
    process.apply(&(servers + &bad("t")));
    let expected = PolicyTarget::Server(EntryId::new("mcp", "default", "t"));
    assert_eq!(the_policy(&process).targets, BTreeSet::from([expected]));
}

#[test]
fn a_policy_is_served_where_its_targets_are() {
    let gateways =
        placed("ResponsesGateway platform/main", OPEN) + &placed("ResponsesGateway platform/other", OPEN);
    let server =
        placed("MCPServer team/s", &format!("gatewayRefs: [{{name: main, namespace: platform}}], {URL}"));
    let mine = placed("ToolPolicy team/p", "targetRefs: [{kind: MCPServer, name: s}], defaultAction: Deny");
    let theirs = placed(
        "ToolPolicy platform/p",
        "targetRefs: [{kind: ResponsesGateway, name: other}], defaultAction: Deny",
    );
    let process = Process::of(&(gateways + &server + &mine + &theirs));
    assert_eq!(findings(&process), Vec::<String>::new());
    let at = |gateway: &str, entry: &str| process.at(gateway, entry).is_some();
    assert!(at("platform/main", "policy/team/p") && !at("platform/other", "policy/team/p"));
    assert!(at("platform/other", "policy/platform/p") && !at("platform/main", "policy/platform/p"));
}

#[test]
fn a_policy_reaches_into_no_other_namespace() {
    let yaml = server("s", URL)
        + &placed("ToolPolicy team/p", "targetRefs: [{kind: MCPServer, name: s}], defaultAction: Deny");
    let process = Process::of(&yaml);
    assert!(found(&process, "policy/team/p").is_none());
    let about = process.of_object("ToolPolicy team/p");
    assert_eq!(reasons(about), [Reason::NoMatchingGateway, Reason::TargetNotFound]);
}

#[test]
fn what_a_policy_names_and_is_not_there_is_told() {
    let subjects = "subjects: [{apiKeyRef: {name: none}}, {apiKeyRef: {name: none, namespace: other}}, {claim: {issuer: corp, name: g, values: [x]}}]";
    let spec = format!("defaultAction: Allow, rules: [{{name: a, action: Deny, {subjects}}}]");
    let yaml = policy("p", &spec).replace("[{kind", "[{kind: Tenant, name: gone}, {kind");
    let process = Process::of(&(server("s", URL) + &yaml));
    let paths: Vec<_> =
        process.about("ToolPolicy", "p").problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "spec.rules[0].subjects[0].apiKeyRef",
            "spec.rules[0].subjects[2].claim.issuer",
            "spec.targetRefs[0]"
        ]
    );
    assert!(process.about("ToolPolicy", "p").is_accepted());
    assert_eq!(the_policy(&process).rules[0].subjects.as_ref().map(Vec::len), Some(3));
}

#[test]
fn a_rotated_token_changes_its_server_and_no_policy() {
    let spec = format!("{URL}, auth: {{bearer: {{secretRef: {{name: k, key: token}}}}}}");
    let yaml = server("s", &spec) + &policy("p", "defaultAction: Deny");
    let mut process = Process::of(&(yaml.clone() + &secret("k", "token", "sk-1")));
    let before = process.snapshot().clone();
    process.apply(&(yaml + &secret("k", "token", "sk-2")));
    let delta = config::snapshot::diff(&before, process.snapshot());
    let ids: Vec<_> = delta.upsert.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["mcp/default/s"]);
    let values: Vec<_> = delta.secrets.values().map(config::Secret::expose).collect();
    assert_eq!(values, ["sk-2"]);
    assert_eq!(config::snapshot::apply(&before, &delta).as_ref(), Ok(process.snapshot()));
}

#[test]
fn a_server_that_turns_bad_takes_no_policy_from_where_it_never_was() {
    let gateways = placed("ResponsesGateway platform/a", OPEN) + &placed("ResponsesGateway platform/b", OPEN);
    let refs = "gatewayRefs: [{name: a, namespace: platform}, {name: b, namespace: platform}]";
    let first =
        placed("MCPServer platform/x", &format!("gatewayRefs: [{{name: b}}], serverLabel: docs, {URL}"));
    let second = placed("MCPServer team/s", &format!("{refs}, serverLabel: docs, {URL}"));
    let policy = placed("ToolPolicy team/p", "targetRefs: [{kind: MCPServer, name: s}], defaultAction: Deny");
    let yaml = gateways + &first + &policy + &second;
    let mut process = Process::of(&yaml);
    let before = process.compiled.snapshots.clone();
    process.apply(&yaml.replace(&second, &second.replace("serverLabel: docs", "serverLabel: 'd.s'")));
    assert_eq!(process.compiled.snapshots, before);
    assert!(process.at("platform/a", "policy/team/p").is_some());
    assert!(process.at("platform/b", "policy/team/p").is_none());
}
