use std::sync::Arc;

use proptest::prelude::*;
use rules::Redaction;
use serde_json::{Value, json};
use tools::policy::{
    Action, Caller, Choice, Floor, Hints, Identity, Policies, Policy, Rule, Subject, Target,
};

use super::kit::{Asked, expression, server, set, strictness};

const NAMES: [&str; 3] = ["get", "put", "drop"];

fn action() -> impl Strategy<Value = Action> {
    prop::sample::select(vec![Action::Allow, Action::RequireApproval, Action::Deny])
}

fn hint() -> impl Strategy<Value = Option<bool>> {
    prop::option::weighted(0.3, any::<bool>())
}

fn hints() -> impl Strategy<Value = Hints> {
    (hint(), hint()).prop_map(|(read_only, destructive)| Hints { read_only, destructive, ..Hints::default() })
}

fn names() -> impl Strategy<Value = Option<std::collections::BTreeSet<String>>> {
    prop::option::of(prop::sample::select(vec!["get", "put", "d*", "*"]).prop_map(|name| set(&[name])))
}

fn choice() -> impl Strategy<Value = Option<Choice>> {
    let servers = prop::option::weighted(0.2, Just(set(&["docs"])));
    let choice = (names(), servers, hints()).prop_map(|(names, servers, hints)| Choice {
        names,
        servers,
        types: None,
        hints,
    });
    prop::option::of(choice)
}

fn subjects() -> impl Strategy<Value = Option<Vec<Subject>>> {
    let key = prop::sample::select(vec!["a", "b"]).prop_map(|id| Subject::Key(id.into()));
    let account = Just(Subject::ServiceAccount { namespace: "team".into(), name: None });
    prop::option::weighted(0.4, prop::collection::vec(prop_oneof![key, account], 0..3))
}

fn rules_of() -> impl Strategy<Value = Vec<Rule>> {
    let texts = vec![
        "args.n > 1",
        "args.missing == 1",
        "context.untrusted",
        "tenant == 'red'",
        "tool.annotations.readOnlyHint",
    ];
    let when = prop::option::of(prop::sample::select(texts));
    let limits = (prop::option::of(1..9_u32), prop::option::of(1..9_u32));
    let rule = (subjects(), choice(), when, action(), limits);
    let numbered = |rules: Vec<_>| {
        let rule =
            |(number, (subjects, tools, when, action, limits)): (usize, (_, _, Option<&str>, _, (_, _)))| {
                Rule {
                    name: format!("r{number}"),
                    subjects,
                    tools,
                    when: when.map(expression),
                    action,
                    calls_per_response: limits.0,
                    calls_per_minute: limits.1,
                }
            };
        rules.into_iter().enumerate().map(rule).collect()
    };
    prop::collection::vec(rule, 0..4).prop_map(numbered)
}

fn policy(name: String) -> impl Strategy<Value = Policy> {
    let target = prop_oneof![
        Just(Target::Gateway),
        Just(Target::Tenant("red".into())),
        Just(Target::Server("mcp/default/docs".into())),
    ];
    let targets = prop::collection::vec(target, 1..3);
    let bytes = prop::option::of(1..50_usize);
    let pattern = prop::option::of(prop::sample::select(vec!["sk-[a-z]+", "[0-9]+"]));
    (targets, action(), action(), rules_of(), (bytes, pattern)).prop_map(
        move |(targets, default, taint, rules, (result_bytes, pattern))| {
            let redactions =
                pattern.iter().map(|pattern| Arc::new(Redaction::new(pattern, "*").unwrap())).collect();
            Policy { name: name.clone(), targets, default, taint, rules, result_bytes, redactions }
        },
    )
}

fn policies() -> impl Strategy<Value = Vec<Policy>> {
    (0..4_usize)
        .prop_flat_map(|count| (0..count).map(|number| policy(format!("p{number}"))).collect::<Vec<_>>())
}

fn identity() -> impl Strategy<Value = Identity> {
    let key = prop::sample::select(vec!["a", "b"])
        .prop_map(|id: &str| Identity::Key { id: id.into(), name: id.into() });
    let account = Just(Identity::ServiceAccount { namespace: "team".into(), name: "x".into() });
    prop_oneof![key, account, Just(Identity::Anonymous)]
}

prop_compose! {
    fn asked()(
        identity in identity(),
        tenant in prop::sample::select(vec!["red", "blue"]),
        label in prop::sample::select(vec!["docs", "wiki"]),
        name in prop::sample::select(NAMES.to_vec()),
        hints in hints(),
        arguments in prop::sample::select(vec![json!({"n": 1}), json!({"n": 2}), json!({}), Value::Null]),
        (trusted, untrusted, floor) in (any::<bool>(), any::<bool>(), names()),
        (allow, deny) in (names(), prop::option::weighted(0.2, Just("put"))),
        asked in any::<bool>(),
    ) -> Asked {
        let mut server = server(label);
        server.trusted = trusted;
        server.allow = allow;
        server.deny = deny.into_iter().map(str::to_owned).collect();
        server.approval = floor.map_or(Floor::Never, Floor::Always);
        let caller = Caller { tenant: tenant.to_owned(), identity };
        Asked { caller, server, hints, untrusted, asked, ..Asked::of(name, arguments) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn adding_a_policy_never_loosens(asked in asked(), policies in policies(), more in policy("more".into())) {
        let less = asked.under(policies.clone());
        let more = asked.under(policies.into_iter().chain([more]).collect());
        prop_assert!(strictness(&more.decision) >= strictness(&less.decision));
        prop_assert!(less.limits.iter().all(|limit| more.limits.contains(limit)));
        let most = |bytes: Option<usize>| bytes.unwrap_or(usize::MAX);
        prop_assert!(most(more.result.max_bytes) <= most(less.result.max_bytes));
        prop_assert!(more.result.redactions.len() >= less.result.redactions.len());
    }

    #[test]
    fn adding_a_strict_rule_never_loosens(asked in asked(), mut policies in policies()) {
        prop_assume!(!policies.is_empty());
        let less = asked.under(policies.clone());
        policies[0].rules.push(super::kit::rule("deny", "*", Action::Deny));
        prop_assert!(strictness(&asked.under(policies).decision) >= strictness(&less.decision));
    }

    #[test]
    fn the_order_of_policies_and_rules_is_irrelevant(asked in asked(), policies in policies()) {
        let mut turned = policies.clone();
        turned.reverse();
        turned.iter_mut().for_each(|policy| policy.rules.reverse());
        let (one, other) = (asked.under(policies), asked.under(turned));
        prop_assert_eq!(&one.decision, &other.decision);
        prop_assert_eq!((&one.limits, &one.audit), (&other.limits, &other.audit));
        let text = "sk-abc 12345 and a long tail that may be cut somewhere";
        prop_assert_eq!(one.result.apply(text.into()), other.result.apply(text.into()));
    }

    #[test]
    fn a_request_never_loosens(asked in asked(), policies in policies()) {
        let policies = Policies::new(policies);
        let with = asked.decide(&policies);
        let silent = Asked { asked: false, ..asked };
        let without = silent.decide(&policies);
        prop_assert!(strictness(&with.decision) >= strictness(&without.decision));
        prop_assert_eq!(with.limits, without.limits);
        prop_assert_eq!(with.result.max_bytes, without.result.max_bytes);
    }

    #[test]
    fn the_floor_of_the_server_holds(asked in asked(), policies in policies()) {
        let decision = asked.under(policies).decision;
        if let Floor::Always(exempt) = &asked.server.approval
            && !rules::glob::any_fits(exempt, &asked.name)
        {
            prop_assert!(strictness(&decision) >= Action::RequireApproval);
        }
        if !asked.server.offers(&asked.name) {
            prop_assert_eq!(strictness(&decision), Action::Deny);
        }
    }

    #[test]
    fn an_untrusted_server_gains_nothing_by_what_it_says(asked in asked(), policies in policies()) {
        prop_assume!(!asked.server.trusted);
        let policies = Policies::new(policies);
        let told = asked.decide(&policies);
        let silent = Asked { hints: Hints::default(), ..asked };
        prop_assert_eq!(told.decision, silent.decide(&policies).decision);
    }

    #[test]
    fn untrusted_content_never_loosens_without_expressions(asked in asked(), mut policies in policies()) {
        policies.iter_mut().flat_map(|policy| &mut policy.rules).for_each(|rule| rule.when = None);
        let policies = Policies::new(policies);
        let clean = Asked { untrusted: false, ..asked };
        let before = strictness(&clean.decide(&policies).decision);
        let tainted = Asked { untrusted: true, ..clean };
        prop_assert!(strictness(&tainted.decide(&policies).decision) >= before);
    }

    #[test]
    fn what_may_run_is_offered(asked in asked(), policies in policies()) {
        let policies = Policies::new(policies);
        if strictness(&asked.decide(&policies).decision) < Action::Deny {
            prop_assert!(policies.may_offer(&asked.caller, &asked.tool()));
        }
    }
}
