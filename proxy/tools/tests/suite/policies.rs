use std::sync::Arc;

use rules::Redaction;
use serde_json::{Value, json};
use tools::policy::{
    Action, Choice, Decision, Floor, Hints, Identity, Limit, Outcome, Policies, Policy, Reason, Rule,
    Subject, Target, ToolKind,
};

use super::kit::{Asked, expression, policy, rule, server, set};

fn denied(by: &str, reason: Reason) -> Decision {
    Decision::Deny { rule: by.to_owned(), reason }
}

fn approval(by: &str) -> Decision {
    Decision::RequireApproval { rule: by.to_owned() }
}

fn when(text: &str, action: Action) -> Vec<Policy> {
    let conditional = Rule { when: Some(expression(text)), ..rule("r", "*", action) };
    vec![policy("p", Action::Allow, vec![conditional])]
}

#[test]
fn without_any_policy_the_terms_of_the_server_hold() {
    let mut asked = Asked::of("get", json!({}));
    let ruling = asked.under(vec![]);
    assert_eq!((ruling.decision, ruling.audit.rule), (Decision::Allow, None));
    asked.server.approval = Floor::Always(set(&["list_*"]));
    assert_eq!(asked.under(vec![]).decision, approval("server"));
    asked.name = "list_all".into();
    assert_eq!(asked.under(vec![]).decision, Decision::Allow);
    asked.server.deny = set(&["list_*"]);
    assert_eq!(asked.under(vec![]).decision, denied("server", Reason::Server));
}

#[test]
fn of_all_rules_about_a_call_the_strictest_decides() {
    let rules = || {
        vec![
            rule("all", "*", Action::Allow),
            rule("put", "put_*", Action::RequireApproval),
            rule("never", "put_secret", Action::Deny),
        ]
    };
    let decide =
        |name: &str| Asked::of(name, json!({})).under(vec![policy("p", Action::Deny, rules())]).decision;
    assert_eq!(decide("get"), Decision::Allow);
    assert_eq!(decide("put_x"), approval("p#put"));
    assert_eq!(decide("put_secret"), denied("p#never", Reason::Rule));
}

#[test]
fn a_call_that_no_rule_is_about_gets_the_default() {
    let decide = |default| {
        Asked::of("put", json!({})).under(vec![policy("p", default, vec![rule("r", "get", Action::Allow)])])
    };
    assert_eq!(decide(Action::Deny).decision, denied("p", Reason::Default));
    assert_eq!(decide(Action::RequireApproval).decision, approval("p"));
    assert_eq!(decide(Action::Allow).decision, Decision::Allow);
}

#[test]
fn arguments_decide() {
    let policies = || when("args.org != 'acme'", Action::Deny);
    assert_eq!(Asked::of("get", json!({"org": "acme"})).under(policies()).decision, Decision::Allow);
    assert_eq!(
        Asked::of("get", json!({"org": "evil"})).under(policies()).decision,
        denied("p#r", Reason::Rule)
    );
}

#[test]
fn an_expression_without_an_answer_denies_whatever_its_rule_says() {
    for action in [Action::Allow, Action::RequireApproval, Action::Deny] {
        let ruling = Asked::of("get", json!({})).under(when("args.org == 'acme'", action));
        assert_eq!(ruling.decision, denied("p#r", Reason::MissingMember));
        assert_eq!(
            (ruling.audit.outcome, ruling.audit.reason),
            (Outcome::Denied, Some(Reason::MissingMember))
        );
    }
    let ruling = Asked::of("get", Value::Null).under(when("args.n > 1", Action::Allow));
    assert!(matches!(ruling.decision, Decision::Deny { .. }), "arguments that are no JSON");
    let large = json!({"l": vec![0; 3000]});
    let ruling = Asked::of("get", large).under(when("args.l.all(a, args.l.all(b, a == b))", Action::Allow));
    assert_eq!(ruling.decision, denied("p#r", Reason::TooCostly));
}

#[test]
fn expressions_see_the_call_and_no_credential() {
    let mut asked = Asked::of("get", json!({}));
    asked.headers = vec![("x-team".into(), "a".into()), ("authorization".into(), "Bearer sk-1".into())];
    let holds = |text: &str| asked.under(when(text, Action::RequireApproval)).decision == approval("p#r");
    for text in [
        "tool.name == 'get' && tool.server == 'docs' && tool.type == 'MCP'",
        "tool.annotations.destructiveHint && !tool.annotations.readOnlyHint",
        "tenant == 'red' && subject.kind == 'APIKey' && subject.name == 'app' && subject.claims == {}",
        "request.headers['x-team'] == 'a' && !('authorization' in request.headers)",
        "!context.untrusted",
    ] {
        assert!(holds(text), "{text}");
    }
}

#[test]
fn subjects_are_keys_claims_and_accounts() {
    let claim =
        |claim: &str| Subject::Claim { issuer: "corp".into(), claim: claim.into(), values: set(&["dev"]) };
    let account =
        |name: Option<&str>| Subject::ServiceAccount { namespace: "team".into(), name: name.map(Into::into) };
    let claims = json!({"sub": "ann", "groups": ["dev", "ops"], "realm": {"role": "dev"}})
        .as_object()
        .cloned()
        .unwrap();
    let token = |issuer: &str| Identity::Token {
        issuer: issuer.into(),
        subject: "ann".into(),
        claims: claims.clone(),
    };
    let agent = || Identity::ServiceAccount { namespace: "team".into(), name: "agent".into() };
    let key = || Identity::Key { id: "key/a/b".into(), name: "b".into() };
    let cases = [
        (Subject::Key("key/a/b".into()), key(), true),
        (Subject::Key("key/a/c".into()), key(), false),
        (claim("groups"), token("corp"), true),
        (claim("realm.role"), token("corp"), true),
        (claim("groups"), token("other"), false),
        (claim("sub"), token("corp"), false),
        (account(None), agent(), true),
        (account(Some("agent")), agent(), true),
        (account(Some("other")), agent(), false),
        (account(None), Identity::Anonymous, false),
    ];
    for (subject, identity, expected) in cases {
        let mut asked = Asked::of("get", json!({}));
        asked.caller.identity = identity.clone();
        let only = Rule { subjects: Some(vec![subject.clone()]), ..rule("r", "*", Action::Allow) };
        let decision = asked.under(vec![policy("p", Action::Deny, vec![only])]).decision;
        assert_eq!(decision == Decision::Allow, expected, "{subject:?} {identity:?}");
    }
}

#[test]
fn a_policy_is_about_its_targets_only() {
    let about = |target| vec![Policy { targets: vec![target], ..policy("p", Action::Deny, vec![]) }];
    let decide = |target| Asked::of("get", json!({})).under(about(target)).decision == Decision::Allow;
    assert!(
        !decide(Target::Gateway)
            && !decide(Target::Tenant("red".into()))
            && decide(Target::Tenant("blue".into()))
    );
    assert!(
        !decide(Target::Server("mcp/default/docs".into())) && decide(Target::Server("mcp/other/docs".into()))
    );
}

#[test]
fn what_an_untrusted_server_says_of_its_tools_loosens_nothing() {
    let reading = Choice { hints: Hints { read_only: Some(true), ..Hints::default() }, ..Choice::default() };
    let policies = || {
        vec![policy(
            "p",
            Action::Deny,
            vec![Rule { tools: Some(reading.clone()), ..rule("r", "*", Action::Allow) }],
        )]
    };
    let mut asked = Asked::of("get", json!({}));
    asked.hints.read_only = Some(true);
    assert_eq!(asked.under(policies()).decision, denied("p", Reason::Default));
    asked.server.trusted = true;
    assert_eq!(asked.under(policies()).decision, Decision::Allow);
    asked.hints = Hints::default();
    let destroying =
        Choice { hints: Hints { destructive: Some(true), ..Hints::default() }, ..Choice::default() };
    let ruling = asked.under(vec![policy(
        "p",
        Action::Allow,
        vec![Rule { tools: Some(destroying), ..rule("r", "*", Action::Deny) }],
    )]);
    assert_eq!(ruling.decision, denied("p#r", Reason::Rule), "a hint that is missing counts as the worst");
}

#[test]
fn content_that_nobody_vouches_for_closes_tools_that_write() {
    let policies = || vec![Policy { taint: Action::RequireApproval, ..policy("p", Action::Allow, vec![]) }];
    let mut asked = Asked::of("put", json!({}));
    assert_eq!(asked.under(policies()).decision, Decision::Allow);
    asked.untrusted = true;
    assert_eq!(asked.under(policies()).decision, approval("p"));
    (asked.server.trusted, asked.hints.read_only) = (true, Some(true));
    assert_eq!(asked.under(policies()).decision, Decision::Allow);
}

#[test]
fn a_request_asks_for_an_approval() {
    let asked = Asked { asked: true, ..Asked::of("get", json!({})) };
    assert_eq!(asked.under(vec![]).decision, approval("request"));
    assert_eq!(asked.under(vec![policy("p", Action::Deny, vec![])]).decision, denied("p", Reason::Default));
}

#[test]
fn limits_of_every_rule_about_a_call_hold() {
    let limited = |name: &str, tools: &str, per_response, per_minute| Rule {
        calls_per_response: per_response,
        calls_per_minute: per_minute,
        ..rule(name, tools, Action::Allow)
    };
    let rules = vec![
        limited("b", "get", None, Some(9)),
        limited("a", "*", Some(3), None),
        limited("c", "put", Some(1), None),
    ];
    let ruling = Asked::of("get", json!({})).under(vec![policy("p", Action::Deny, rules)]);
    let limit = |rule: &str, per_response, per_minute| Limit { rule: rule.into(), per_response, per_minute };
    assert_eq!(ruling.limits, [limit("p#a", Some(3), None), limit("p#b", None, Some(9))]);
}

#[test]
fn results_are_redacted_and_cut_by_every_policy() {
    let redacting = |name: &str, pattern: &str, result_bytes| Policy {
        redactions: vec![Arc::new(Redaction::new(pattern, "[x]").unwrap())],
        result_bytes,
        ..policy(name, Action::Allow, vec![])
    };
    let ruling = Asked::of("get", json!({}))
        .under(vec![redacting("a", "sk-[a-z]+", Some(2000)), redacting("b", "[0-9]{4}", Some(1500))]);
    assert_eq!(ruling.result.max_bytes, Some(1500));
    assert_eq!(ruling.result.apply("sk-abc 1234".into()), "[x] [x]");
}

#[test]
fn an_audit_line_says_who_what_which_and_why_and_no_argument() {
    let asked = Asked::of("get", json!({"org": "evil-org"}));
    let ruling = asked.under(when("args.org != 'acme'", Action::Deny));
    let line = serde_json::to_value(&ruling.audit).unwrap();
    let hash = line["arguments"].as_str().unwrap().to_owned();
    assert_eq!(
        line,
        json!({"tenant": "red", "subject": "app", "kind": "MCP", "server": "docs", "tool": "get", "rule": "p#r", "outcome": "denied", "reason": "Rule", "arguments": hash})
    );
    assert!(hash.len() == 64 && !format!("{ruling:?}").contains("evil-org"));
}

#[test]
fn a_tool_without_a_server_is_judged_too() {
    let asked = Asked::of("web_search", json!({}));
    let search = Rule {
        tools: Some(Choice { types: Some([ToolKind::WebSearch].into()), ..Choice::default() }),
        ..rule("r", "*", Action::Deny)
    };
    let policies = Policies::new(vec![policy("p", Action::Allow, vec![search])]);
    let mut tool = asked.tool();
    (tool.kind, tool.server) = (ToolKind::WebSearch, None);
    assert!(!policies.may_offer(&asked.caller, &tool));
    tool.kind = ToolKind::Think;
    assert!(policies.may_offer(&asked.caller, &tool));
}

#[test]
fn what_can_never_run_is_not_offered() {
    let asked = Asked::of("put", json!({}));
    let offered = |rules: Vec<Rule>, default| {
        Policies::new(vec![policy("p", default, rules)]).may_offer(&asked.caller, &asked.tool())
    };
    let conditional = |action| Rule { when: Some(expression("args.n > 1")), ..rule("r", "*", action) };
    assert!(!offered(vec![], Action::Deny) && !offered(vec![rule("r", "*", Action::Deny)], Action::Allow));
    assert!(offered(vec![conditional(Action::Allow)], Action::Deny));
    assert!(offered(vec![conditional(Action::Deny)], Action::RequireApproval));
    assert!(!offered(vec![conditional(Action::Deny)], Action::Deny));
    let hidden = tools::policy::Server { deny: set(&["put"]), ..server("docs") };
    let tool = tools::policy::Tool { server: Some(&hidden), ..asked.tool() };
    assert!(!Policies::default().may_offer(&asked.caller, &tool));
}
