use serde_json::json;

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

#[test]
fn a_failure_becomes_what_the_item_shows() {
    let ruling = Policies::default().decide(&Call {
        caller: &Caller { tenant: "t".into(), identity: crate::policy::Identity::Anonymous },
        tool: Tool { kind: ToolKind::Mcp, name: "x", server: None, hints: Hints::default() },
        arguments: &Value::Null,
        headers: &[],
        untrusted: false,
        wishes: &Wishes::NONE,
    });
    let content = json!([{"type": "text", "text": "no such page"}]);
    let outcome = failed(Failure::Execution { content, told: "no such page".into() }, &ruling);
    assert!(outcome.failed && outcome.output.contains("no such page"));
    let outcome = failed(Failure::from(mcp::Reason::Timeout), &ruling);
    assert!(matches!(outcome.error, Some(McpError::Http { code: 504, .. })));
}
