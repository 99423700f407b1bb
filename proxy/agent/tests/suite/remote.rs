//! Scenarios with MCP servers and approvals, each a snapshot that reads like a conversation.

use agent::choice::{Choice, Pick};
use agent::limits::Limits;
use agent::model::StopReason;
use agent::run::{Effect, Input, Turn};
use agent::tool::{Approved, ToolOutcome};
use insta::assert_snapshot;
use protocol::responses::mcp::McpError;
use serde_json::{Value, json};

use super::support::*;
use super::transcript::transcript;

const READ: &str = "mcp__wiki__read";
const ASK: &str = "mcp__wiki__ask";

fn called() -> Input {
    stop(StopReason::Tool)
}

fn over() -> Input {
    stop(StopReason::Stop)
}

fn ok(call: &str, output: &str) -> Input {
    done(call, ToolOutcome::text(output))
}

fn script<const N: usize>(parts: [Vec<Input>; N]) -> Vec<Input> {
    parts.into_iter().flatten().collect()
}

fn wiki() -> Input {
    listed("wiki", &["read", "ask", "hidden", "forbidden"])
}

/// A list of the context.
fn list(label: &str, names: &[&str]) -> Value {
    let tools = serde_json::to_value(tools(names)).expect("tools are JSON");
    json!({"type": "mcp_list_tools", "id": "mcpl_old", "server_label": label, "tools": tools})
}

fn approved(number: u32, name: &str) -> Approved {
    Approved {
        request_id: format!("mcpr_{number}"),
        server_label: "wiki".to_owned(),
        name: name.to_owned(),
        arguments: format!(r#"{{"page":{number}}}"#),
    }
}

/// A turn that follows one in which the client was asked.
fn resumed(calls: &[Approved]) -> Turn {
    let asked = calls.iter().map(|call| {
        json!({"type": "mcp_approval_request", "id": call.request_id, "server_label": "wiki", "name": call.name,
            "arguments": call.arguments})
    });
    let answers = calls.iter().map(|call| {
        json!({"type": "mcp_approval_response", "id": "mcpr_in", "approval_request_id": call.request_id,
            "approve": true})
    });
    let history = std::iter::once(list("wiki", &["read", "ask"])).chain(asked).collect();
    Turn {
        history: items(history),
        input: [vec![user("hi")], items(answers.collect())].concat(),
        approved: calls.to_vec(),
        ..remote_turn()
    }
}

#[test]
fn tools_are_listed_before_the_model_is_asked() {
    assert_snapshot!(transcript(run(remote_turn()), [Input::Quiet, wiki(), wiki(), text("Hello"), over()]));
}

#[test]
fn a_list_of_the_context_is_neither_asked_for_nor_shown_again() {
    let servers = vec![server("wiki", true), server("shop", true)];
    let turn = Turn { servers, history: items(json!([list("wiki", &["read", "hidden"])])), ..turn() };
    assert_snapshot!(transcript(run(turn), [listed("shop", &["read"]), text("Hello"), over()]));
}

#[test]
fn a_list_that_failed_is_asked_for_again() {
    let failed = json!({"type": "mcp_list_tools", "id": "mcpl_old", "server_label": "wiki", "tools": [],
        "error": "Error retrieving tool list"});
    let turn = Turn { history: items(json!([failed])), ..remote_turn() };
    let effects = drain(&mut run(turn));
    assert!(effects.contains(&Effect::ListTools("wiki".to_owned())));
}

#[test]
fn a_required_list_that_fails_fails_the_response() {
    let servers = vec![server("shop", false), server("wiki", true)];
    let turn = Turn { servers, ..turn() };
    assert_snapshot!(transcript(run(turn), [unlisted("wiki"), listed("shop", &["read"])]));
}

#[test]
fn what_a_failed_list_costs_is_a_424() {
    let mut run = run(remote_turn());
    drain(&mut run);
    run.handle(unlisted("wiki"));
    let end = drain(&mut run).into_iter().find_map(|effect| match effect {
        Effect::Finish(finished) => Some(*finished),
        _ => None,
    });
    let error = end.and_then(|finished| finished.failure).expect("a failure").error;
    let envelope: Value = serde_json::from_slice(&error.body()).expect("JSON");
    let message = "Error retrieving tool list from MCP server: 'wiki'. \
        Http status code: 502 (The server cannot be reached.)";
    let expected = json!({"message": message, "type": "external_connector_error", "param": "tools",
        "code": "http_error"});
    assert_eq!((error.status, &envelope["error"]), (424, &expected));
}

#[test]
fn an_optional_list_that_fails_leaves_its_tools_out() {
    let servers = vec![server("wiki", true), server("shop", false)];
    let turn = Turn { servers, ..turn() };
    assert_snapshot!(transcript(run(turn), [unlisted("shop"), wiki(), text("Hello"), over()]));
}

#[test]
fn a_run_that_is_ended_while_it_lists_closes_the_list() {
    assert_snapshot!(transcript(run(remote_turn()), [ended(), wiki()]));
}

#[test]
fn a_remote_call_shows_its_result_or_why_it_failed() {
    let error = McpError::Protocol { code: -32602, message: "no such page".to_owned() };
    let inputs = script([
        vec![wiki()],
        call(0, READ, r#"{"page":1}"#).into(),
        call(1, READ, r#"{"page":2}"#).into(),
        vec![called(), ok("call_1", "page one"), done("call_2", ToolOutcome::mcp_failure(error))],
        vec![text("One page."), over()],
    ]);
    assert_snapshot!(transcript(run(remote_turn()), inputs));
}

#[test]
fn a_call_that_a_rule_forbids_fails_without_running() {
    let inputs = script([
        vec![wiki()],
        call(0, "mcp__wiki__forbidden", "{}").into(),
        call(1, READ, r#"{"page":"danger"}"#).into(),
        vec![called(), text("Then not."), over()],
    ]);
    assert_snapshot!(transcript(run(remote_turn()), inputs));
}

#[test]
fn a_call_that_needs_approval_ends_the_turn_after_all_others() {
    let inputs = script([
        vec![wiki()],
        call(0, ASK, r#"{"page":1}"#).into(),
        call(1, READ, r#"{"page":2}"#).into(),
        vec![called(), ok("call_1", "page two")],
    ]);
    assert_snapshot!(transcript(run(remote_turn()), inputs));
}

#[test]
fn a_client_call_and_an_approval_can_wait_together() {
    let inputs = script([
        vec![wiki()],
        call(0, ASK, r#"{"page":1}"#).into(),
        call(1, "weather", "{}").into(),
        vec![called()],
    ]);
    assert_snapshot!(transcript(run(remote_turn()), inputs));
}

#[test]
fn where_nobody_can_be_asked_the_model_is_told() {
    let turn = Turn { can_ask: false, ..remote_turn() };
    let inputs = script([vec![wiki()], call(0, ASK, "{}").into(), vec![called(), text("Then not."), over()]]);
    assert_snapshot!(transcript(run(turn), inputs));
}

#[test]
fn an_approved_call_runs_before_the_model_is_asked() {
    let turn = resumed(&[approved(1, "ask")]);
    assert_snapshot!(transcript(run(turn), [ok("call_1", "edited"), text("Done."), over()]));
}

#[test]
fn approved_calls_run_side_by_side_and_keep_their_order() {
    let turn = resumed(&[approved(1, "ask"), approved(2, "read")]);
    assert_snapshot!(transcript(
        run(turn),
        [ok("call_2", "two"), ok("call_1", "one"), text("Done."), over()]
    ));
}

#[test]
fn an_approved_call_still_needs_the_rules_the_tool_and_the_limit() {
    let calls = [approved(1, "forbidden"), approved(2, "gone"), approved(3, "ask"), approved(4, "ask")];
    let mut turn = Turn { max_tool_calls: Some(1), ..resumed(&calls) };
    turn.history = items(json!([list("wiki", &["read", "ask", "forbidden"])]));
    assert_snapshot!(transcript(run(turn), [ok("call_1", "three"), text("Done."), over()]));
}

#[test]
fn the_same_call_can_be_approved_more_often_than_a_model_may_repeat_itself() {
    let same = |number: u32| Approved { arguments: "{}".to_owned(), ..approved(number, "ask") };
    let turn = resumed(&[same(1), same(2), same(3), same(4)]);
    let mut run = limited(turn, Limits { identical_calls: 2, ..Limits::default() });
    let started =
        drain(&mut run).into_iter().filter(|effect| matches!(effect, Effect::CallTool { .. })).count();
    assert_eq!(started, 4);
}

#[test]
fn a_denied_call_is_told_to_the_model_and_does_not_run() {
    let mut turn = resumed(&[approved(1, "ask")]);
    turn.approved.clear();
    turn.input =
        items(json!([{"type": "mcp_approval_response", "id": "mcpr_in", "approval_request_id": "mcpr_1",
        "approve": false, "reason": "Not today."}]));
    assert_snapshot!(transcript(run(turn), [text("I see."), over()]));
}

#[test]
fn a_forced_server_binds_the_first_generation_only() {
    let pick =
        |tool: Option<&str>| Pick::Remote { server_label: "wiki".to_owned(), tool: tool.map(str::to_owned) };
    let one = Turn { tool_choice: Choice::Tool(vec![pick(Some("read"))]), ..remote_turn() };
    let inputs = || script([vec![wiki()], call(0, READ, "{}").into(), vec![called(), ok("call_1", "page")]]);
    let asked = |turn: Turn| {
        let all = transcript(run(turn), inputs());
        let asks = all.lines().filter(|line| line.starts_with("> call_model"));
        asks.map(|line| line.split(" tools").next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(asked(one), ["> call_model tool:mcp__wiki__read", "> call_model auto"]);
    let any = Turn { tool_choice: Choice::Tool(vec![pick(None)]), ..remote_turn() };
    assert_eq!(asked(any), ["> call_model required", "> call_model auto"]);
}

#[test]
fn an_approved_call_does_not_stand_for_a_forced_one() {
    let turn = Turn { tool_choice: Choice::Required, ..resumed(&[approved(1, "ask")]) };
    let lines = transcript(run(turn), [ok("call_1", "edited")]);
    assert!(lines.contains("> call_model required"), "{lines}");
}

#[test]
fn a_forced_tool_that_its_server_does_not_offer_fails_the_response() {
    let pick = Pick::Remote { server_label: "wiki".to_owned(), tool: Some("gone".to_owned()) };
    let turn = Turn { tool_choice: Choice::Tool(vec![pick]), ..remote_turn() };
    assert_snapshot!(transcript(run(turn), [wiki()]));
}

fn effects(mut run: agent::run::Run<Owners>, inputs: Vec<Input>) -> Vec<Effect> {
    let mut effects = drain(&mut run);
    for input in inputs {
        run.handle(input);
        effects.extend(drain(&mut run));
    }
    effects
}

#[test]
fn a_failure_after_a_call_is_not_to_be_repeated_and_one_before_may_be() {
    let retry = |inputs: Vec<Input>| {
        let effects = effects(run(remote_turn()), inputs);
        let finished = effects.into_iter().find_map(|effect| match effect {
            Effect::Finish(finished) => Some(finished),
            _ => None,
        });
        finished.and_then(|finished| finished.failure).expect("it failed").error.should_retry
    };
    assert_eq!(retry(vec![wiki(), failed()]), None);
    assert_eq!(retry(script([vec![wiki()], call(0, READ, "{}").into(), vec![failed()]])), Some(false));
}

#[test]
fn a_model_is_offered_so_many_tools_and_no_more() {
    let names: Vec<String> = (0..200).map(|number| format!("tool-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let offered = effects(run(remote_turn()), vec![listed("wiki", &names)]).into_iter().find_map(|effect| {
        let Effect::CallModel(request) = effect else { return None };
        Some(request.tools.iter().filter(|tool| tool.name.starts_with("mcp__")).count())
    });
    assert_eq!(offered, Some(128));
}
