use protocol::id::Tenant;
use serde_json::json;
use tokio::time::Instant;

use super::*;

#[test]
fn a_second_has_room_for_so_many_calls() {
    let pace = Pace::new(2);
    assert!(pace.take(7) && pace.take(7) && !pace.take(7));
    assert!(pace.take(8));
}

#[test]
fn hints_are_read_and_nothing_is_made_up() {
    let said = json!({"readOnlyHint": true, "openWorldHint": false, "destructiveHint": "yes"});
    let expected = Hints { read_only: Some(true), open_world: Some(false), ..Hints::default() };
    assert_eq!(hints(Some(&said)), expected);
    assert_eq!(hints(None), Hints::default());
}

fn rules() -> ResultRules {
    let keys = Arc::new(rules::Redaction::new("sk-[a-z]+", "[key]").expect("a pattern"));
    ResultRules { max_bytes: None, redactions: vec![keys] }
}

#[test]
fn a_failure_is_shown_as_it_is_but_for_what_nobody_is_to_see() {
    let execution = |text: &str| {
        let content = json!([{"type": "text", "text": text}, {"type": "image", "data": "…"}]);
        (content.clone(), failed(Failure::Execution { content, told: text.to_owned() }, &rules()))
    };
    let (content, plain) = execution("no such page");
    assert_eq!(plain.error, Some(McpError::Execution { content }));
    assert!(plain.failed && plain.output.contains("no such page"));
    let (_, redacted) = execution("bad key sk-abc");
    assert_eq!(redacted.error, Some(McpError::execution("bad key [key]")));
    assert!(!redacted.output.contains("sk-abc"));
    let protocol = failed(Failure::Protocol { code: -1, message: "sk-abc?".into() }, &rules());
    assert_eq!(protocol.error, Some(McpError::Protocol { code: -1, message: "[key]?".into() }));
    let late = failed(Failure::from(Reason::Timeout), &rules());
    assert!(matches!(late.error, Some(McpError::Http { code: 504, .. })));
}

pub(crate) fn connected(id: Option<&str>, trusted: bool) -> Connected {
    let caller = crate::policy::Caller { tenant: "red".into(), identity: crate::policy::Identity::Anonymous };
    let context = Context {
        policies: Arc::new(Arc::default),
        rates: Arc::default(),
        since: Instant::now(),
        tenant: Tenant::new("red"),
        caller: Arc::new(caller),
        headers: Arc::default(),
        trace: mcp::Trace::default(),
        request: "req_1".into(),
        untrusted: Arc::default(),
        counts: Arc::default(),
    };
    let terms = Server {
        id: id.map(str::to_owned),
        label: "docs".into(),
        trusted,
        allow: None,
        deny: Default::default(),
        approval: crate::policy::Floor::Never,
    };
    Connected {
        context,
        pool: mcp::Pool::default(),
        server: None,
        terms: Arc::new(terms),
        pace: None,
        presentation: Arc::default(),
        is_required: false,
        description: None,
        result_bytes: 100,
        hints: Mutex::default(),
    }
}

fn reading() -> ListedTool {
    let annotations = Some(json!({"readOnlyHint": true, "openWorldHint": false}));
    ListedTool { name: "get".into(), annotations, ..ListedTool::default() }
}

#[tokio::test]
async fn what_a_tool_says_of_itself_is_believed_of_the_callers_own_server_and_of_one_that_is_trusted() {
    let believes = |id, trusted, origin| connected(id, trusted).is_read_only(&reading(), origin);
    assert!(believes(None, false, Origin::Server) && believes(None, false, Origin::Context));
    assert!(!believes(Some("mcp/d/docs"), false, Origin::Server));
    assert!(believes(Some("mcp/d/docs"), true, Origin::Server));
    assert!(!believes(Some("mcp/d/docs"), true, Origin::Context), "the caller may have written it");
}

#[tokio::test]
async fn results_taint_unless_a_trusted_server_says_that_a_tool_stays_inside() {
    for (id, trusted, origin, taints) in [
        (Some("mcp/d/docs"), true, Origin::Server, false),
        (Some("mcp/d/docs"), true, Origin::Context, true),
        (Some("mcp/d/docs"), false, Origin::Server, true),
        (None, false, Origin::Server, true),
    ] {
        let connected = connected(id, trusted);
        assert!(connected.allows(&reading(), origin));
        assert_eq!(connected.taints("get"), taints, "{id:?} {trusted} {origin:?}");
    }
    assert!(connected(Some("mcp/d/docs"), true).taints("never listed"));
}

#[tokio::test]
async fn a_server_that_cannot_be_used_fails_its_list_and_its_calls() {
    let connected = connected(Some("mcp/d/docs"), false);
    assert!(matches!(connected.list().await, ListOutcome::Failed(McpError::Http { code: 502, .. })));
    let call = ToolCall { id: "c".into(), name: "mcp__docs__get".into(), arguments: "{}".into() };
    let reporter = crate::progress::Progresses::channel().0.of("c".into());
    let outcome = connected.call("get", &call, &reporter).await;
    assert!(matches!(outcome.error, Some(McpError::Http { code: 502, .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_denial_that_comes_while_a_call_waits_counts_and_an_approval_does_not() {
    let call = ToolCall { id: "c".into(), name: "mcp__docs__get".into(), arguments: "{}".into() };
    let mut waiting = connected(Some("mcp/d/docs"), false);
    let mut terms = waiting.terms.as_ref().clone();
    terms.approval = crate::policy::Floor::Always(Default::default());
    waiting.terms = Arc::new(terms.clone());
    let reached = waiting.perform("get", &call).await;
    assert!(matches!(reached.outcome.error, Some(McpError::Http { .. })), "it was approved");
    terms.deny = ["get".to_owned()].into();
    waiting.terms = Arc::new(terms);
    let refused = waiting.perform("get", &call).await.outcome;
    assert!(refused.failed && refused.output.contains("denied"), "{refused:?}");
    assert!(matches!(refused.error, Some(McpError::Execution { .. })));
}
