use config::spec::{Authentication, Method, Tenancy};
use config::{Compiled, Degraded, Diagnostics, GatewayId, Reason, Spec, compile};

use crate::kit::{Process, model, placed, provider};

const REQUIRED: &str = "authentication: {methods: [APIKey]}";
const UP: &str = "type: OpenAI, baseURL: 'https://x.example.com', allowedNamespaces: {from: All}";

fn gateway(id: &str, more: &str) -> String {
    placed(&format!("ResponsesGateway {id}"), &format!("{REQUIRED}, {more}"))
}

fn multi(id: &str) -> String {
    gateway(id, "tenancy: {mode: Multi}, allowedNamespaces: {from: All}")
}

fn tenant(name: &str, namespaces: &str) -> String {
    placed(&format!("Tenant platform/{name}"), &format!("namespaces: [{namespaces}]"))
}

/// A Model in some namespace, with the provider `platform/p` and the gateway `platform/main`.
fn public(id: &str, more: &str) -> String {
    let target = "{name: only, providerRef: {name: p, namespace: platform}, upstreamModel: up}";
    placed(
        &format!("Model {id}"),
        &format!("gatewayRefs: [{{name: main, namespace: platform}}], targets: [{target}], {more}"),
    )
}

fn up() -> String {
    placed("ModelProvider platform/p", UP)
}

fn reasons(about: &Diagnostics) -> Vec<Reason> {
    about.problems.iter().map(|problem| problem.reason).collect()
}

#[test]
fn without_a_gateway_there_is_one_that_lets_everybody_in() {
    let process = Process::of(&(provider("p", "") + &model("m", "p", "")));
    let gateway = process.snapshot().gateway().unwrap();
    assert_eq!((gateway.name.as_str(), gateway.tenancy), ("default/default", Tenancy::Single));
    assert_eq!(gateway.authentication, Authentication::Disabled);
    assert_eq!(process.compiled.only().map(|(id, _)| id.as_str()), Some("default/default"));
}

#[test]
fn in_a_cluster_nothing_is_served_without_a_gateway() {
    let mut process = Process::of(&provider("p", ""));
    process.loaded.world.needs_gateway = true;
    let compiled = compile(&process.loaded.world, &Compiled::default());
    assert!(compiled.snapshots.is_empty());
    let about = compiled.diagnostics.values().next().unwrap();
    assert_eq!((reasons(about), about.is_accepted()), (vec![Reason::NoMatchingGateway], false));
}

#[test]
fn a_bad_gateway_does_not_open_the_implicit_one() {
    let process = Process::of(&(placed("ResponsesGateway default/default", "") + &provider("p", "")));
    assert!(process.compiled.snapshots.is_empty());
    assert_eq!(reasons(process.about("ModelProvider", "p")), [Reason::NoMatchingGateway]);
}

#[test]
fn the_defaults_of_a_gateway_are_applied() {
    let process = Process::of(&gateway("platform/main", ""));
    let Some(Spec::Gateway(spec)) = process.at("platform/main", "gateway/platform/main") else { panic!() };
    let limits = spec.limits;
    assert_eq!((limits.request_bytes, limits.concurrency, limits.streams_tenant), (33_554_432, 10_000, 1000));
    assert_eq!((limits.rounds, limits.tool_calls, limits.foreground_ms), (25, 64, 600_000));
    assert_eq!(
        (spec.retention_ms, spec.disconnect_timeout_ms, spec.strict),
        (Some(2_592_000_000), 60_000, false)
    );
    let Authentication::Required { methods, jwt } = &spec.authentication else { panic!() };
    assert_eq!((methods.iter().copied().collect(), jwt.len()), (vec![Method::ApiKey], 0));
}

#[test]
fn what_a_gateway_says_is_carried() {
    let more = "state: {retention: 0s}, responses: {validation: Strict}, infrastructure: {mode: External, serviceAccounts: [{name: b}, {name: a, namespace: edge}]}";
    let process = Process::of(&gateway("platform/main", more));
    let Some(Spec::Gateway(spec)) = process.at("platform/main", "gateway/platform/main") else { panic!() };
    assert_eq!((spec.retention_ms, spec.strict), (None, true));
    let pair = |namespace: &str, name: &str| (namespace.to_owned(), name.to_owned());
    assert_eq!(spec.service_accounts, [pair("edge", "a"), pair("platform", "b")]);
}

#[test]
fn an_object_attaches_to_every_gateway_of_its_namespace() {
    let process = Process::of(
        &(gateway("platform/a", "") + &gateway("platform/b", "") + &gateway("other/c", "") + &up()),
    );
    let at = |gateway| process.at(gateway, "provider/platform/p").is_some();
    assert_eq!(["platform/a", "platform/b", "other/c"].map(at), [true, true, false]);
    let about = process.of_object("ModelProvider platform/p");
    let gateways: Vec<_> = about.gateways.keys().map(GatewayId::as_str).collect();
    assert_eq!(gateways, ["platform/a", "platform/b"]);
    assert!(about.is_accepted() && process.compiled.only().is_none());
}

#[test]
fn an_object_attaches_to_the_gateways_that_it_names_and_no_others() {
    let named =
        placed("ModelProvider platform/p", &format!("gatewayRefs: [{{name: b}}, {{name: none}}], {UP}"));
    let process = Process::of(&(gateway("platform/a", "") + &gateway("platform/b", "") + &named));
    let at = |gateway| process.at(gateway, "provider/platform/p").is_some();
    assert_eq!(["platform/a", "platform/b"].map(at), [false, true]);
    let about = process.of_object("ModelProvider platform/p");
    assert!(
        about.is_accepted() && about.notes[0].contains("gateway platform/none does not exist"),
        "{about:?}"
    );
    let there: Vec<_> = about.gateways.iter().map(|(id, at)| (id.as_str(), at.is_refused())).collect();
    assert_eq!(there, [("platform/b", false), ("platform/none", true)]);
}

#[test]
fn an_object_without_any_gateway_says_so() {
    let process = Process::of(&(gateway("platform/main", "") + &placed("ModelProvider lost/p", UP)));
    let expected = "a.yaml:4: ModelProvider lost/p: namespace lost has no ResponsesGateway: create one there, or name one in gatewayRefs";
    assert_eq!(process.findings(), [expected]);
    let unknown = Process::of(&(gateway("platform/other", "") + &public("team-a/m", "")));
    assert_eq!(reasons(unknown.of_object("Model team-a/m")), [Reason::NoMatchingGateway]);
}

#[test]
fn a_gateway_admits_whom_it_says() {
    let labels =
        "---\n{apiVersion: v1, kind: Namespace, metadata: {name: team-a, labels: {access: allowed}}}\n";
    let selected = "allowedNamespaces: {from: Selector, selector: {matchLabels: {access: allowed}}}";
    let admits = |choice: &str, labels: &str| {
        let process =
            Process::of(&(gateway("platform/main", choice) + &up() + &public("team-a/m", "") + labels));
        let reasons = reasons(process.of_object("Model team-a/m"));
        (process.at("platform/main", "model/team-a/m").is_some(), reasons)
    };
    assert_eq!(admits("allowedNamespaces: {from: All}", ""), (true, vec![]));
    assert_eq!(admits(selected, labels), (true, vec![]));
    let refused = (false, vec![Reason::NotAllowedByGateway]);
    assert_eq!(
        [admits("", ""), admits(selected, ""), admits(selected, &labels.replace("allowed", "denied"))],
        [refused.clone(), refused.clone(), refused]
    );
}

#[test]
fn a_label_that_goes_takes_everything_with_it() {
    let gateway = gateway(
        "platform/main",
        "allowedNamespaces: {from: Selector, selector: {matchLabels: {access: allowed}}}",
    );
    let labels =
        "---\n{apiVersion: v1, kind: Namespace, metadata: {name: team-a, labels: {access: allowed}}}\n";
    let yaml = gateway + &up() + &public("team-a/m", "");
    let mut process = Process::of(&(yaml.clone() + labels));
    assert!(process.at("platform/main", "model/team-a/m").is_some());
    process.apply(&yaml.replace("upstreamModel: up", "upstreamModel: ''"));
    assert!(process.at("platform/main", "model/team-a/m").is_none());
}

#[test]
fn a_target_must_be_at_the_same_gateway() {
    let elsewhere = placed("ModelProvider platform/p", &format!("gatewayRefs: [{{name: other}}], {UP}"));
    let yaml =
        multi("platform/main") + &gateway("platform/other", "") + &elsewhere + &public("platform/m", "");
    let process = Process::of(&yaml);
    let Some(Spec::Model(model)) = process.at("platform/main", "model/platform/m") else { panic!() };
    assert_eq!(model.targets, []);
    let message = &process.of_object("Model platform/m").problems[0].message;
    assert!(message.contains("not attached to gateway platform/main"), "{message}");
}

#[test]
fn a_gateway_that_turns_bad_stays_as_it_was() {
    let mut process = Process::of(&(multi("platform/main") + &up()));
    let before = process.compiled.snapshots.clone();
    process.apply(&(multi("platform/main").replace("methods: [APIKey]", "methods: []") + &up()));
    assert_eq!(process.compiled.snapshots, before);
    let about = process.of_object("ResponsesGateway platform/main");
    assert_eq!((reasons(about), about.degraded), (vec![Reason::Invalid], Some(Degraded::ServingLastGood)));
    assert!(about.gateways.is_empty() && about.serving.is_some());
}

#[test]
fn tenants_are_taken_from_the_namespace_of_the_gateway_where_it_tells_them_apart() {
    let named =
        |id: &str| placed(&format!("Tenant {id}"), "gatewayRefs: [{name: main, namespace: platform}]");
    let process = Process::of(&(multi("platform/main") + &named("platform/a") + &named("team-b/b")));
    assert!(process.at("platform/main", "tenant/platform/a").is_some());
    assert_eq!(reasons(process.of_object("Tenant team-b/b")), [Reason::NotAllowedByGateway]);
    let single = Process::of(&(gateway("platform/main", "") + &named("platform/a")));
    assert_eq!(reasons(single.of_object("Tenant platform/a")), [Reason::TenancyDisabled]);
}

#[test]
fn two_tenants_never_own_one_namespace() {
    let process = Process::of(&(multi("platform/main") + &tenant("a", "x, z") + &tenant("b", "z")));
    assert!(process.at("platform/main", "tenant/platform/b").is_none());
    let about = process.of_object("Tenant platform/b");
    assert_eq!(reasons(about), [Reason::Conflicted]);
    assert!(
        about.problems[0].message.contains("the namespace \"z\" belongs to Tenant platform/a"),
        "{about:?}"
    );
}

#[test]
fn a_tenant_says_who_and_what() {
    let spec = "namespaces: [x], models: {allow: ['a-*'], deny: [b]}, limits: {streams: 7}, subjects: [{jwt: {issuer: corp, claim: team, values: [v]}}, {serviceAccount: {namespace: x}}]";
    let jwt = "jwt: [{name: corp, issuer: 'https://id.example.com', audiences: [fairlead]}]";
    let authentication = format!("authentication: {{methods: [APIKey, JWT], {jwt}}}");
    let gateway = multi("platform/main").replace(REQUIRED, &authentication);
    let process = Process::of(&(gateway + &placed("Tenant platform/t", spec)));
    assert_eq!(reasons(process.of_object("Tenant platform/t")), []);
    let written = serde_json::to_value(process.at("platform/main", "tenant/platform/t").unwrap()).unwrap();
    let expected = serde_json::json!({"tenant": {
        "name": "t", "namespaces": ["x"], "streams": 7, "models": {"allow": ["a-*"], "deny": ["b"]},
        "subjects": [{"jwt": {"issuer": "corp", "claim": "team", "values": ["v"]}}, {"serviceAccount": {"namespace": "x"}}],
    }});
    assert_eq!(written, expected);
}

#[test]
fn a_subject_of_an_issuer_that_the_gateway_does_not_know_is_told() {
    let spec =
        "subjects: [{serviceAccount: {namespace: x}}, {jwt: {issuer: corp, claim: team, values: [v]}}]";
    let process = Process::of(&(multi("platform/main") + &placed("Tenant platform/t", spec)));
    let about = process.of_object("Tenant platform/t");
    assert_eq!((reasons(about), about.serving.is_some()), (vec![Reason::TargetNotFound], true));
    assert_eq!(
        about.problems[0].to_string(),
        "spec.subjects[1].jwt.issuer: gateway platform/main has no issuer \"corp\" in authentication.jwt: add it there, or \
         correct the name"
    );
}

#[test]
fn teams_that_do_not_see_each_other_may_use_one_name() {
    let tenants = tenant("a", "team-a") + &tenant("b", "team-b, team-c");
    let models = ["team-a/m", "team-b/m", "team-c/m"].map(|id| public(id, "modelName: smart")).concat();
    let process = Process::of(&(multi("platform/main") + &up() + &tenants + &models));
    let at = |id: &str| process.at("platform/main", &format!("model/{id}")).is_some();
    assert_eq!(["team-a/m", "team-b/m", "team-c/m"].map(at), [true, true, false]);
}

#[test]
fn the_namespace_of_the_gateway_wins_a_name() {
    let older = public("team-a/m", "modelName: smart")
        .replace("name: m,", "name: m, creationTimestamp: '2020-01-01T00:00:00Z',");
    let process = Process::of(
        &(multi("platform/main")
            + &up()
            + &tenant("a", "team-a")
            + &older
            + &public("platform/m", "modelName: smart")),
    );
    assert!(process.at("platform/main", "model/platform/m").is_some());
    assert_eq!(reasons(process.of_object("Model team-a/m")), [Reason::Conflicted]);
}

#[test]
fn what_no_tenant_sees_is_accepted_and_told() {
    let process = Process::of(&(multi("platform/main") + &up() + &public("team-a/m", "")));
    let about = process.of_object("Model team-a/m");
    assert!(about.is_accepted() && about.serving.is_some());
    assert_eq!(about.notes, ["no tenant sees it: no Tenant of gateway platform/main owns namespace team-a"]);
}

#[test]
fn a_name_that_is_lost_at_one_gateway_serves_at_another() {
    let other = gateway("other/main", "");
    let rival = placed("ModelProvider platform/a", &format!("directModels: Allow, aliases: [x], {UP}"));
    let both = placed(
        "ModelProvider platform/b",
        &format!(
            "gatewayRefs: [{{name: main}}, {{name: main, namespace: other}}], directModels: Allow, aliases: [x], {UP}"
        ),
    );
    let yaml = gateway("platform/main", "")
        + &other.replace("methods: [APIKey]}", "methods: [APIKey]}, allowedNamespaces: {from: All}")
        + &rival
        + &both;
    let mut process = Process::of(&yaml);
    for _ in 0..2 {
        assert!(process.at("platform/main", "provider/platform/b").is_none());
        assert!(process.at("other/main", "provider/platform/b").is_some());
        assert_eq!(reasons(process.of_object("ModelProvider platform/b")), [Reason::Conflicted]);
        process.apply(&yaml);
    }
}
