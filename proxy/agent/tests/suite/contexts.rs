//! What the model is shown of stored items and input.

use agent::context::{Scene, check, render};
use agent::names::Names;
use agent::tool::Approved;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::support::items;
use super::transcript::said;

fn call(id: &str) -> Value {
    json!({"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"})
}

fn output(id: &str, text: &str) -> Value {
    json!({"type": "function_call_output", "call_id": id, "output": text})
}

fn user(text: &str) -> Value {
    json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})
}

fn rendered(history: Value, input: Value) -> String {
    let scene = Scene { names: &Names::default(), approved: &[] };
    let lines: Vec<String> = render(items(history), items(input), scene).iter().map(said).collect();
    lines.join("\n")
}

fn refusal(list: Value) -> (u16, Option<String>, String) {
    let error = check(&items(list)).expect_err("a call or an output stands alone");
    (error.status, error.param, error.message)
}

#[test]
fn calls_made_together_are_followed_by_their_outputs() {
    let history = json!([user("hi"), call("call_a"), call("call_b")]);
    let input = json!([output("call_b", "B"), output("call_a", "A"), user("go on")]);
    let expected =
        "user [\"hi\"]\ncall_a=f({})\ncall_b=f({})\ncall_a->\"A\"\ncall_b->\"B\"\nuser [\"go on\"]";
    assert_eq!(rendered(history, input), expected);
}

#[test]
fn a_call_made_after_an_output_stands_alone() {
    let history = json!([call("call_a"), output("call_a", "A"), call("call_b"), output("call_b", "B")]);
    let expected = "call_a=f({})\ncall_a->\"A\"\ncall_b=f({})\ncall_b->\"B\"";
    assert_eq!(rendered(history, json!([])), expected);
}

#[test]
fn of_two_outputs_the_last_one_wins() {
    let input = json!([output("call_a", "old"), output("call_a", "new")]);
    assert_eq!(rendered(json!([call("call_a")]), input), "call_a=f({})\ncall_a->\"new\"");
}

#[test]
fn a_call_id_that_is_used_again_keeps_both_outputs() {
    let input = json!([call("call_0"), output("call_0", "1"), call("call_0"), output("call_0", "2")]);
    assert_eq!(rendered(json!([]), input), "call_0=f({})\ncall_0->\"1\"\ncall_0=f({})\ncall_0->\"2\"");
}

#[test]
fn an_output_may_stand_before_its_call() {
    let input = json!([output("call_a", "A"), call("call_a")]);
    assert_eq!(rendered(json!([]), input), "call_a=f({})\ncall_a->\"A\"");
}

#[test]
fn a_custom_call_is_followed_by_its_output() {
    let call = json!({"type": "custom_tool_call", "call_id": "call_a", "name": "shell", "input": "ls"});
    let output = json!({"type": "custom_tool_call_output", "call_id": "call_a", "output": "src"});
    let list = json!([call, user("hi"), output]);
    assert!(check(&items(list.clone())).is_ok());
    let kinds: Vec<String> =
        render(items(list), Vec::new(), Scene { names: &Names::default(), approved: &[] })
            .iter()
            .map(|item| item.kind().to_owned())
            .collect();
    assert_eq!(kinds, ["custom_tool_call", "custom_tool_call_output", "message"]);
}

#[test]
fn a_call_that_was_cut_off_is_left_out() {
    let cut = json!({"type": "function_call", "call_id": "call_a", "name": "f", "arguments": "{", "status": "incomplete"});
    let list = json!([user("hi"), cut]);
    assert!(check(&items(list.clone())).is_ok());
    assert_eq!(rendered(list, json!([])), "user [\"hi\"]");
}

#[test]
fn a_call_without_output_is_refused() {
    let list = json!([call("call_a"), output("call_a", "A"), call("call_b")]);
    let message = "No tool output found for function call call_b.".to_owned();
    assert_eq!(refusal(list), (400, Some("input".to_owned()), message));
}

#[test]
fn an_output_without_call_is_refused() {
    let message = "No tool call found for function call output with call_id call_x.".to_owned();
    assert_eq!(refusal(json!([user("hi"), output("call_x", "X")])), (400, Some("input".to_owned()), message));
}

#[test]
fn what_the_server_ran_is_shown_as_calls_with_results() {
    let found = json!([{"file_id": "file_1", "filename": "a.txt", "score": 0.9, "text": "A fox."}]);
    let reasoning = json!({"type": "reasoning", "id": "rs_1", "summary": [],
        "content": [{"type": "reasoning_text", "text": "hm"}]});
    let history = json!([
        user("hi"),
        reasoning,
        {"type": "file_search_call", "id": "fs_1", "queries": ["fox"], "results": found},
        {"type": "file_search_call", "id": "fs_2", "queries": ["fox", "dog"], "results": null},
        {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "fox"}},
        {"type": "image_generation_call", "id": "ig_1", "result": "AAAA", "revised_prompt": "a fox"},
        {"type": "mcp_list_tools", "id": "mcpl_1", "server_label": "docs", "tools": []},
        {"type": "mcp_call", "id": "mcp_1", "server_label": "my docs", "name": "read", "arguments": "{\"page\":1}",
            "output": "page one"},
        {"type": "mcp_call", "id": "mcp_2", "server_label": "docs", "name": "read", "arguments": "{}",
            "error": {"type": "http_error", "code": 500, "message": "broken"}},
        {"type": "mcp_call", "id": "mcp_3", "server_label": "docs", "name": "read", "arguments": "{}"},
        {"type": "mcp_call", "id": "mcp_4", "server_label": "docs", "name": "read", "arguments": "",
            "error": "an older client"},
        {"type": "computer_call", "id": "cu_1", "action": {}},
    ]);
    assert_snapshot!(rendered(history, json!([user("And now?")])));
}

fn request(id: &str) -> Value {
    json!({"type": "mcp_approval_request", "id": id, "server_label": "wiki", "name": "edit", "arguments": "{}"})
}

fn answer(id: &str, approve: bool, reason: Option<&str>) -> Value {
    json!({"type": "mcp_approval_response", "approval_request_id": id, "approve": approve, "reason": reason})
}

#[test]
fn a_call_that_was_denied_or_not_answered_is_told_where_it_was_asked() {
    let history = json!([user("hi"), request("mcpr_a"), request("mcpr_b"), request("mcpr_c")]);
    let input =
        json!([answer("mcpr_a", false, Some("Too soon.")), answer("mcpr_b", false, None), user("go on")]);
    let lines = rendered(history, input);
    let expected = [
        "user [\"hi\"]",
        "call_a=mcp__wiki__edit({})",
        "call_a->\"Not executed: the user denied this call. Reason: Too soon.\"",
        "call_b=mcp__wiki__edit({})",
        "call_b->\"Not executed: the user denied this call.\"",
        "call_c=mcp__wiki__edit({})",
        "call_c->\"Not executed: the user has not approved this call.\"",
        "user [\"go on\"]",
    ];
    assert_eq!(lines, expected.join("\n"));
}

#[test]
fn a_call_that_was_approved_is_told_by_itself() {
    let ran = json!({"type": "mcp_call", "id": "mcp_1", "server_label": "wiki", "name": "edit", "arguments": "{}",
        "output": "done", "approval_request_id": "mcpr_a"});
    let history = json!([request("mcpr_a"), answer("mcpr_a", true, None), ran]);
    assert_eq!(rendered(history, json!([])), "call_1=mcp__wiki__edit({})\ncall_1->\"done\"");
    let lost = json!([request("mcpr_a"), answer("mcpr_a", true, None)]);
    let unknown = "call_a=mcp__wiki__edit({})\ncall_a->\"The outcome of this call is unknown.\"";
    assert_eq!(rendered(lost.clone(), json!([])), unknown);
    let approved = [Approved {
        request_id: "mcpr_a".to_owned(),
        server_label: "wiki".to_owned(),
        name: "edit".to_owned(),
        arguments: "{}".to_owned(),
    }];
    let scene = Scene { names: &Names::default(), approved: &approved };
    assert!(render(items(lost), Vec::new(), scene).is_empty(), "it is about to run");
}

#[test]
fn a_model_knows_calls_by_the_names_of_this_turn() {
    let mut names = Names::new(["mcp__wiki__edit"]);
    let name = names.add("wiki", "edit");
    let ran = json!([{"type": "mcp_call", "id": "mcp_1", "server_label": "wiki", "name": "edit", "arguments": "{}",
        "output": "done"}]);
    let scene = Scene { names: &names, approved: &[] };
    let lines: Vec<String> = render(items(ran), Vec::new(), scene).iter().map(said).collect();
    assert_eq!(lines[0], format!("call_1={name}({{}})"));
}

#[test]
fn earlier_images_and_code_are_read_as_calls_without_their_payloads() {
    let image = |id: &str, fields: Value| {
        let mut item = json!({"type": "image_generation_call", "id": id, "revised_prompt": "A fox"});
        item.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        item
    };
    let code = json!({"type": "code_interpreter_call", "id": "ci_4", "code": "print(6)", "status": "completed", "outputs": [
        {"type": "logs", "logs": "6"}, {"type": "image", "url": "data:image/png;base64,AAAA"}]});
    let history = json!([
        image("ig_1", json!({"status": "completed", "result": "AAAA"})),
        image("ig_2", json!({"status": "completed"})),
        image("ig_3", json!({"status": "failed", "result": null})),
        code,
        json!({"type": "code_interpreter_call", "id": "ci_5", "code": "1", "status": "completed", "outputs": null}),
    ]);
    assert_snapshot!(rendered(history, json!([])));
}
