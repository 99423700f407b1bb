//! Scenarios, each a snapshot that reads like a conversation.

use agent::choice::Choice;
use agent::limits::Limits;
use agent::model::{ModelEvent, StopReason};
use agent::run::{Input, Turn};
use agent::tool::{Progress, Source, ToolOutcome};
use insta::assert_snapshot;
use protocol::Object;
use protocol::responses::usage::ImageUsage;
use serde_json::json;

use super::support::*;
use super::transcript::transcript;

/// Ends a generation that made calls.
fn called() -> Input {
    stop(StopReason::Tool)
}

/// Ends an answer.
fn over() -> Input {
    stop(StopReason::Stop)
}

fn ok(call: &str, output: &str) -> Input {
    done(call, ToolOutcome::text(output))
}

fn script<const N: usize>(parts: [Vec<Input>; N]) -> Vec<Input> {
    parts.into_iter().flatten().collect()
}

fn model(event: ModelEvent) -> Input {
    Input::Model(event)
}

#[test]
fn an_answer_is_one_message() {
    let begin = model(ModelEvent::Start { model: Some("m-2026".to_owned()) });
    assert_snapshot!(transcript(
        run(turn()),
        [begin, text("Hel"), text("lo"), usage(3, 2), usage(3, 4), over()]
    ));
}

#[test]
fn the_public_name_of_a_model_can_be_kept() {
    let begin = model(ModelEvent::Start { model: Some("m-2026".to_owned()) });
    let turn = Turn { keeps_model_name: true, ..turn() };
    assert_snapshot!(transcript(run(turn), [begin, text("Hello"), over()]));
}

#[test]
fn an_empty_answer_is_an_empty_message() {
    assert_snapshot!(transcript(run(turn()), [over()]));
}

#[test]
fn reasoning_comes_before_the_message() {
    let summary =
        |part, text: &str| model(ModelEvent::SummaryDelta { index: 0, part, text: text.to_owned() });
    let sealed = model(ModelEvent::ReasoningSealed { index: 0, encrypted: "gAAA".to_owned() });
    let inputs = [reasoning(0, "I "), reasoning(0, "see"), summary(0, "One"), summary(1, "Two"), sealed];
    let inputs = script([inputs.into(), vec![reasoning(1, "more"), text("Yes"), over()]]);
    assert_snapshot!(transcript(run(turn()), inputs));
}

#[test]
fn sealed_reasoning_without_text_is_an_item() {
    let sealed = model(ModelEvent::ReasoningSealed { index: 0, encrypted: "gAAA".to_owned() });
    assert_snapshot!(transcript(run(turn()), [sealed, text("Yes"), over()]));
}

#[test]
fn annotations_follow_the_delta_that_they_belong_to() {
    let annotation =
        || model(ModelEvent::Annotation { annotation: json!({"type": "url_citation", "url": "u"}) });
    let logprobs = vec![json!({"token": "b", "logprob": -0.5})];
    let second = model(ModelEvent::TextDelta { text: "b".to_owned(), logprobs });
    assert_snapshot!(transcript(run(turn()), [annotation(), text("a"), second, annotation(), over()]));
}

/// What a search has found.
fn found(url: &str) -> ToolOutcome {
    let sources = vec![Source { url: url.to_owned(), title: "Foxes".to_owned() }];
    ToolOutcome { sources, ..ToolOutcome::text("A fox.") }
}

#[test]
fn a_link_to_a_source_is_annotated_once_it_is_closed() {
    let searched = script([
        call(0, "web", r#"{"query":"fox"}"#).into(),
        vec![called(), done("call_1", found("https://fox.example/a"))],
    ]);
    let answer = ["Füchse ", "[sl", "y](https://fox.ex", "ample/a), not [h", "ens](https://hen.example)"];
    let answer: Vec<Input> = answer.into_iter().map(text).collect();
    assert_snapshot!(transcript(run(turn()), script([searched, answer, vec![over()]])));
}

#[test]
fn a_citation_of_the_upstream_is_not_repeated() {
    let own = json!({"type": "url_citation", "start_index": 0, "end_index": 25, "url": "https://fox.example/a", "title": "t"});
    let annotation = model(ModelEvent::Annotation { annotation: own });
    let searched =
        script([call(0, "web", "{}").into(), vec![called(), done("call_1", found("https://fox.example/a"))]]);
    let answer = vec![text("[1](https://fox.example/a"), annotation, text(")"), over()];
    let shown = transcript(run(turn()), script([searched, answer]));
    assert_eq!(shown.matches("annotation.added").count(), 2, "{shown}");
    let same = json!({"type": "url_citation", "start_index": 0, "end_index": 26, "url": "https://fox.example/a", "title": "t"});
    let annotation = model(ModelEvent::Annotation { annotation: same });
    let searched =
        script([call(0, "web", "{}").into(), vec![called(), done("call_1", found("https://fox.example/a"))]]);
    let answer = vec![text("[1](https://fox.example/a"), annotation, text(")"), over()];
    let shown = transcript(run(turn()), script([searched, answer]));
    assert_eq!(shown.matches("annotation.added").count(), 1, "{shown}");
}

#[test]
fn what_a_call_in_the_web_does_is_told_by_its_arguments() {
    let calls = [
        call(0, "web", r#"{"url":"https://a.b"}"#),
        call(1, "web", r#"{"url":"https://a.b","pattern":"fox","more":1}"#),
        call(2, "web", r#"{"queries":["a","b"]}"#),
        call(3, "web", "danger"),
    ];
    let failed = |call: &str| done(call, ToolOutcome::failure("No."));
    let inputs =
        script([calls.concat(), vec![called(), failed("call_1"), failed("call_2"), failed("call_3")]]);
    assert_snapshot!(transcript(run(turn()), script([inputs, vec![text("Fox"), over()]])));
}

#[test]
fn a_refusal_is_a_part_of_the_message() {
    let refusal = |text: &str| model(ModelEvent::RefusalDelta { text: text.to_owned() });
    assert_snapshot!(transcript(run(turn()), [text("Well"), refusal("I "), refusal("won't"), over()]));
}

#[test]
fn blank_text_before_a_call_is_no_message() {
    let inputs = script([vec![text("\n\n")], call(0, "weather", "{}").into(), vec![text("\n"), called()]]);
    assert_snapshot!(transcript(run(turn()), inputs));
}

#[test]
fn blank_text_before_words_belongs_to_the_message() {
    assert_snapshot!(transcript(run(turn()), [reasoning(0, "hm"), text("\n"), text("Yes"), over()]));
}

#[test]
fn client_calls_end_the_turn() {
    let first = vec![start(0, "weather"), arguments(0, r#"{"city":"#), start(1, "shell"), arguments(1, "ls")];
    let second = vec![arguments(0, r#""Rome"}"#), end(0), end(1), usage(5, 6), called()];
    assert_snapshot!(transcript(run(turn()), script([first, second])));
}

#[test]
fn a_call_without_arguments_has_all_its_events() {
    assert_snapshot!(transcript(run(turn()), [start(0, "weather"), end(0), over()]));
}

#[test]
fn parallel_server_calls_overlap_and_keep_their_order() {
    let first = call(0, "search", r#"{"query":"fox"}"#).into();
    let second = call(1, "web", r#"{"query":"dog"}"#).into();
    let results = vec![ok("call_2", "dogs"), usage(1, 2), called(), ok("call_1", "foxes")];
    let answer = vec![text("Both."), usage(10, 20), over()];
    let inputs = script([vec![text("Let me look.")], first, second, results, answer]);
    assert_snapshot!(transcript(run(turn()), inputs));
}

#[test]
fn no_more_server_calls_run_at_a_time_than_allowed() {
    let limits = Limits { parallel: 1, ..Limits::default() };
    let calls = script([call(0, "search", "{}").into(), call(1, "web", "{}").into()]);
    let rest =
        vec![called(), ok("call_2", "too early"), ok("call_1", "a"), ok("call_2", "b"), text("c"), over()];
    assert_snapshot!(transcript(limited(turn(), limits), script([calls, rest])));
}

#[test]
fn calls_that_must_not_be_parallel_wait_for_the_model() {
    let mut turn = turn();
    turn.request.parallel_tool_calls = Some(false);
    let calls = script([call(0, "search", "{}").into(), call(1, "web", "{}").into()]);
    let rest = vec![called(), ok("call_1", "a"), ok("call_2", "b"), text("c"), over()];
    assert_snapshot!(transcript(run(turn), script([calls, rest])));
}

#[test]
fn a_client_call_waits_for_the_server_calls_of_its_round() {
    let calls = script([call(0, "search", "{}").into(), call(1, "weather", "{}").into()]);
    assert_snapshot!(transcript(run(turn()), script([calls, vec![called(), ok("call_1", "found")]])));
}

#[test]
fn a_thought_is_reasoning_and_costs_no_call() {
    let turn = Turn { max_tool_calls: Some(1), ..turn() };
    let thought = call(0, "think", r#"{"thought":"First A, then B."}"#).into();
    let search = call(0, "search", r#"{"query":"A"}"#).into();
    let inputs =
        script([thought, vec![called()], search, vec![called(), ok("call_2", "a"), text("A"), over()]]);
    assert_snapshot!(transcript(run(turn), inputs));
}

#[test]
fn a_remote_tool_shows_what_it_returned() {
    let inputs = script([
        call(0, "docs_read", r#"{"page":1}"#).into(),
        call(1, "docs_read", r#"{"page":2}"#).into(),
        vec![called(), ok("call_1", "page one"), done("call_2", ToolOutcome::failure("no such page"))],
        vec![text("One page."), over()],
    ]);
    assert_snapshot!(transcript(run(turn()), inputs));
}

#[test]
fn a_tool_fills_its_item_and_spends_tokens() {
    let shown: Object = Object::from_iter([
        ("queries".to_owned(), json!(["fox", "foxes"])),
        ("results".to_owned(), json!([{"file_id": "file_1", "text": "A fox."}])),
        ("id".to_owned(), json!("foreign")),
    ]);
    let usage = protocol::responses::usage::Usage::new(100, 10);
    let outcome = ToolOutcome { shown, usage, ..ToolOutcome::text("A fox.") };
    let inputs =
        script([call(0, "search", r#"{"query":"fox"}"#).into(), vec![called(), done("call_1", outcome)]]);
    assert_snapshot!(transcript(run(turn()), script([inputs, vec![text("Fox"), over()]])));
}

#[test]
fn an_image_shows_its_drafts() {
    let event = "response.image_generation_call.partial_image";
    let progress = Progress {
        event,
        fields: vec![("partial_image_index", json!(0)), ("partial_image_b64", json!("AA"))],
    };
    let shown = Object::from_iter([("result".to_owned(), json!("AAAA")), ("size".to_owned(), json!("1x1"))]);
    let outcome = ToolOutcome { shown, ..ToolOutcome::text("The image was made.") };
    let inputs = script([
        call(0, "draw", r#"{"prompt":"a fox"}"#).into(),
        vec![Input::Progress { call: "call_1".to_owned(), progress }, called(), done("call_1", outcome)],
        vec![text("Here."), over()],
    ]);
    assert_snapshot!(transcript(run(turn()), inputs));
}

#[test]
fn code_is_shown_before_it_runs() {
    let outputs = Object::from_iter([("outputs".to_owned(), json!([{"type": "logs", "logs": "6"}]))]);
    let outcome = ToolOutcome { shown: outputs, ..ToolOutcome::text("6") };
    let inputs = script([
        call(0, "python", r#"{"code":"print(6)"}"#).into(),
        vec![called(), done("call_1", outcome), text("Six."), over()],
    ]);
    assert_snapshot!(transcript(run(turn()), inputs));
}

#[test]
fn several_images_of_one_call_are_several_items() {
    let image = |result: &str| Object::from_iter([("result".to_owned(), json!(result))]);
    let usage = ImageUsage { output_tokens: 5, total_tokens: 5, ..ImageUsage::default() };
    let (shown, further) = (image("AAAA"), vec![image("BBBB")]);
    let outcome =
        ToolOutcome { shown, further, image_usage: Some(Box::new(usage)), ..ToolOutcome::text("Made.") };
    let inputs = script([
        call(0, "draw", r#"{"prompt":"two foxes"}"#).into(),
        vec![called(), done("call_1", outcome), text("Here."), over()],
    ]);
    assert_snapshot!(transcript(run(turn()), inputs));
}

#[test]
fn a_failed_search_is_told_to_the_model() {
    let failure = done("call_1", ToolOutcome::failure("The index is away."));
    let inputs = script([call(0, "search", "{}").into(), vec![called(), failure, text("Sorry."), over()]]);
    assert_snapshot!(transcript(run(turn()), inputs));
}

#[test]
fn an_unknown_tool_is_told_to_the_model_only() {
    let inputs =
        script([vec![text("Hm.")], call(0, "rm", r#"{"x":1}"#).into(), vec![called(), text("Ok."), over()]]);
    assert_snapshot!(transcript(run(turn()), inputs));
}

#[test]
fn further_calls_are_not_executed_once_the_limit_is_reached() {
    let turn = Turn { max_tool_calls: Some(1), ..turn() };
    let both = script([call(0, "search", "{}").into(), call(1, "web", "{}").into()]);
    let insists = || script([call(0, "search", r#"{"query":"again"}"#).into(), vec![called()]]);
    let inputs = script([both, vec![called(), ok("call_1", "a")], insists(), insists()]);
    assert_snapshot!(transcript(run(turn), inputs));
}

#[test]
fn client_functions_stay_when_the_limit_is_reached() {
    let turn = Turn { max_tool_calls: Some(1), ..turn() };
    let search = script([call(0, "search", "{}").into(), vec![called(), ok("call_1", "a")]]);
    let inputs = script([search, call(0, "weather", "{}").into(), vec![called()]]);
    assert_snapshot!(transcript(run(turn), inputs));
}

#[test]
fn too_many_rounds_leave_the_response_incomplete() {
    let limits = Limits { rounds: 1, ..Limits::default() };
    let inputs = script([call(0, "search", "{}").into(), vec![called(), ok("call_1", "a")]]);
    assert_snapshot!(transcript(limited(turn(), limits), inputs));
}

#[test]
fn too_many_calls_leave_the_response_incomplete() {
    let limits = Limits { tool_calls: 1, ..Limits::default() };
    let both = script([call(0, "search", "{}").into(), call(1, "web", "{}").into()]);
    assert_snapshot!(transcript(limited(turn(), limits), script([both, vec![called(), ok("call_1", "a")]])));
}

#[test]
fn the_same_call_again_and_again_leaves_the_response_incomplete() {
    let again = |id| script([call(0, "search", "{}").into(), vec![called(), ok(id, "a")]]);
    assert_snapshot!(transcript(run(turn()), script([again("call_1"), again("call_2"), again("call_3")])));
}

#[test]
fn the_token_budget_is_that_of_all_rounds() {
    let mut turn = turn();
    turn.request.sampling.max_output_tokens = Some(100);
    let round =
        |id, tokens| script([call(0, "search", id).into(), vec![usage(1, tokens), called(), ok(id, "a")]]);
    assert_snapshot!(transcript(run(turn), script([round("call_1", 60), round("call_2", 50)])));
}

#[test]
fn a_cut_message_is_incomplete() {
    assert_snapshot!(transcript(
        run(turn()),
        [reasoning(0, "hm"), text("Once"), usage(1, 9), stop(StopReason::Length)]
    ));
}

#[test]
fn a_filtered_message_is_incomplete() {
    assert_snapshot!(transcript(run(turn()), [text("Once"), stop(StopReason::Filter)]));
}

#[test]
fn cut_calls_do_not_run() {
    let whole = call(0, "search", "{}").into();
    let cut = vec![
        start(1, "weather"),
        arguments(1, "{\"ci"),
        start(2, "web"),
        arguments(2, "{"),
        stop(StopReason::Length),
    ];
    assert_snapshot!(transcript(run(turn()), script([whole, cut, vec![ok("call_1", "a")]])));
}

#[test]
fn a_failed_model_closes_what_is_open() {
    let inputs = script([
        call(0, "search", "{}").into(),
        vec![start(1, "weather"), arguments(1, "{"), reasoning(0, "hm"), text("Wait"), usage(1, 2), failed()],
        vec![ok("call_1", "late"), text("late"), Input::Quiet, Input::Cancelled],
    ]);
    assert_snapshot!(transcript(run(turn()), inputs));
}

#[test]
fn a_cancelled_run_keeps_what_was_done() {
    let inputs = script([
        call(0, "search", "{}").into(),
        vec![ok("call_1", "a"), text("Half a"), usage(1, 2), Input::Cancelled, text("late")],
    ]);
    assert_snapshot!(transcript(run(turn()), inputs));
}

#[test]
fn an_expired_run_is_incomplete() {
    let inputs =
        script([vec![text("Let me see")], call(0, "search", "{}").into(), vec![called(), Input::Expired]]);
    assert_snapshot!(transcript(run(turn()), inputs));
}

#[test]
fn silence_repeats_that_the_response_is_in_progress() {
    assert_snapshot!(transcript(run(turn()), [Input::Quiet, text("a"), Input::Quiet, over()]));
}

#[test]
fn a_forced_choice_applies_to_the_first_generation_only() {
    let turn = Turn { tool_choice: Choice::Tool(picks(&["search"])), ..turn() };
    let inputs = script([call(0, "search", "{}").into(), vec![over(), ok("call_1", "a"), text("A"), over()]]);
    assert_snapshot!(transcript(run(turn), inputs));
}

#[test]
fn a_required_call_that_never_comes_fails_the_response() {
    let turn = Turn { tool_choice: Choice::Required, ..turn() };
    assert_snapshot!(transcript(run(turn), [text("No."), over(), text("Never."), usage(1, 2), over()]));
}

#[test]
fn a_choice_of_none_lets_no_call_through() {
    let turn = Turn { tool_choice: Choice::None, ..turn() };
    let attempt = || script([call(0, "weather", "{}").into(), vec![called()]]);
    assert_snapshot!(transcript(run(turn), script([attempt(), vec![text("Ok.")], attempt()])));
}

#[test]
fn a_call_outside_of_the_allowed_ones_is_refused_once() {
    let names = picks(&["search"]);
    let turn = Turn { tool_choice: Choice::Allowed { names, required: false }, ..turn() };
    let inputs = script([
        call(0, "web", "{}").into(),
        vec![called()],
        call(0, "search", "{}").into(),
        vec![called(), ok("call_2", "a")],
        vec![text("Then I ask the web.")],
        call(0, "web", r#"{"query":"q"}"#).into(),
        vec![called()],
    ]);
    assert_snapshot!(transcript(run(turn), inputs));
}
