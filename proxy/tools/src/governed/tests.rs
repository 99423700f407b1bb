use agent::model::{ModelTool, ToolInput};
use agent::tool::{ServerTool, Source};
use serde_json::json;

use super::*;
use crate::policy::{Action, Choice, Identity, Policy, Rule, Target};
use crate::progress::Progresses;

/// Says what it was asked.
struct Echo;

impl Builtin for Echo {
    fn offer(&self, _: &HostedTool, _: &str) -> Result<Vec<Offer>, ApiError> {
        let input = ToolInput::Schema { parameters: None, strict: None };
        let model = ModelTool { name: "web_search".into(), description: None, input };
        Ok(vec![Offer { model, tool: ServerTool::WebSearch, executor: Arc::new(Self) }])
    }
}

#[async_trait]
impl Executor for Echo {
    fn label(&self) -> &'static str {
        "web_search"
    }

    async fn execute(&self, call: &ToolCall, _: &Reporter) -> ToolOutcome {
        let shown = json!({"results": [{"text": call.arguments}], "action": {"sources": [{"url": "https://a/?sk-abc"}]}});
        let Value::Object(shown) = shown else { return ToolOutcome::default() };
        let sources = ["https://a/?sk-abc", "https://b/"];
        let sources = sources.map(|url| Source { url: url.into(), title: "sk-abc".into() }).to_vec();
        ToolOutcome { shown, sources, ..ToolOutcome::text(call.arguments.clone()) }
    }
}

fn policy(action: Action, calls: Option<u32>) -> Policy {
    let kinds = [ToolKind::WebSearch].into();
    let rule = Rule {
        name: "r".into(),
        subjects: None,
        tools: Some(Choice { types: Some(kinds), ..Choice::default() }),
        when: None,
        action,
        calls_per_response: calls,
        calls_per_minute: None,
    };
    Policy {
        name: "ns/p".into(),
        targets: vec![Target::Gateway],
        default: Action::Allow,
        taint: Action::Allow,
        rules: vec![rule],
        result_bytes: None,
        redactions: vec![Arc::new(rules::Redaction::new("sk-[a-z]+", "[key]").expect("a pattern"))],
    }
}

fn context(policies: Vec<Policy>) -> Context {
    let caller = Caller { tenant: "red".into(), identity: Identity::Anonymous };
    let policies = Arc::new(Policies::new(policies));
    Context {
        policies: Arc::new(move || Arc::clone(&policies)),
        rates: Arc::default(),
        since: Instant::now(),
        tenant: Tenant::new("red"),
        caller: Arc::new(caller),
        headers: Arc::default(),
        trace: Trace::default(),
        request: "req_1".into(),
        untrusted: Arc::default(),
        counts: Arc::default(),
    }
}

fn offered(context: &Context, hints: Hints) -> Vec<Offer> {
    let (builtin, kind, name) = (Arc::new(Echo), ToolKind::WebSearch, "web_search");
    let governed = Governed { builtin, kind, name, hints, context: context.clone() };
    let tool = HostedTool { kind: name.to_owned(), fields: protocol::Object::new() };
    governed.offer(&tool, "tools[0]").expect("settings that can be obeyed")
}

fn call(arguments: &str) -> ToolCall {
    ToolCall { id: "call_1".into(), name: "web_search".into(), arguments: arguments.into() }
}

#[tokio::test]
async fn what_policies_deny_to_the_caller_is_not_offered() {
    assert!(offered(&context(vec![policy(Action::Deny, None)]), Hints::default()).is_empty());
    assert_eq!(offered(&context(vec![policy(Action::Allow, None)]), Hints::default()).len(), 1);
}

#[tokio::test]
async fn a_rule_that_wants_an_approval_denies_since_nobody_can_be_asked() {
    let offers = offered(&context(vec![policy(Action::RequireApproval, None)]), Hints::default());
    let verdict = offers[0].executor.decide(&call("{}"));
    assert!(matches!(&verdict, Verdict::Denied(why) if why.contains("approval")), "{verdict:?}");
}

#[tokio::test]
async fn calls_are_counted_and_their_results_redacted() {
    let context = context(vec![policy(Action::Allow, Some(1))]);
    let offers = offered(&context, Hints::default());
    let (executor, reporter) = (&offers[0].executor, Progresses::channel().0.of("call_1".into()));
    assert_eq!(executor.decide(&call("{}")), Verdict::Run);
    let arguments = json!({"query": "sk-abc"}).to_string();
    let first = executor.execute(&call(&arguments), &reporter).await;
    assert_eq!((first.output.as_str(), first.failed), (r#"{"query":"[key]"}"#, false));
    assert_eq!(first.shown["results"], json!([{"text": r#"{"query":"[key]"}"#}]));
    assert_eq!(first.shown["action"]["sources"], json!([{"url": "https://a/?[key]"}]));
    assert_eq!(first.sources, [Source { url: "https://b/".into(), title: "[key]".into() }]);
    let second = executor.execute(&call(&arguments), &reporter).await;
    assert_eq!((second.output.as_str(), second.failed), (LIMITED, true));
}

#[tokio::test]
async fn a_denial_that_comes_while_a_call_waits_counts_and_an_approval_does_not() {
    for (action, denied) in [(Action::Deny, true), (Action::RequireApproval, false), (Action::Allow, false)] {
        let newest = Arc::new(Mutex::new(Arc::new(Policies::new(Vec::new()))));
        let read = Arc::clone(&newest);
        let context = Context { policies: Arc::new(move || Arc::clone(&read.lock())), ..context(Vec::new()) };
        let offers = offered(&context, Hints::default());
        assert_eq!(offers[0].executor.decide(&call("{}")), Verdict::Run);
        *newest.lock() = Arc::new(Policies::new(vec![policy(action, None)]));
        let outcome =
            offers[0].executor.execute(&call("{}"), &Progresses::channel().0.of("call_1".into())).await;
        assert_eq!(
            (outcome.failed, outcome.output.contains("denied")),
            (denied, denied),
            "{}",
            outcome.output
        );
        assert_eq!(context.untrusted.load(Ordering::Relaxed), !denied, "whether it ran");
    }
}

#[tokio::test]
async fn results_from_outside_taint_and_others_do_not() {
    let reporter = Progresses::channel().0.of("call_1".into());
    for (open_world, taints) in [(None, true), (Some(true), true), (Some(false), false)] {
        let context = context(Vec::new());
        let offers = offered(&context, Hints { open_world, ..Hints::default() });
        offers[0].executor.execute(&call("{}"), &reporter).await;
        assert_eq!(context.untrusted.load(Ordering::Relaxed), taints, "{open_world:?}");
    }
}
