//! Models, tools and clients that behave in every way they may.

use agent::choice::{Choice, Pick};
use agent::limits::Limits;
use agent::model::{ModelEvent, StopReason};
use agent::run::{Input, Turn};
use agent::tool::{Approved, ListOutcome, Server, Source, ToolOutcome};
use proptest::collection::vec;
use proptest::prelude::*;
use protocol::responses::item::Item;
use protocol::responses::mcp::McpError;
use protocol::responses::usage::Usage;
use serde_json::json;

use super::support::*;

/// Tools of every server.
const REMOTE: [&str; 4] = ["read", "ask", "forbidden", "hidden"];

/// A turn and its limits, all small enough to be reached.
pub(crate) fn any_turn() -> impl Strategy<Value = (Turn, Limits)> {
    let switches = (any_choice(), any::<Option<bool>>(), 0..4u64, 0..8u64);
    let remote = (any_servers(), any_approved(), any::<bool>());
    (switches, remote, (1..6u32, 1..6u32, 1..4u32, 2..4u32)).prop_map(
        |((choice, parallel, calls, tokens), (servers, approved, can_ask), limits)| {
            let (servers, history) = servers;
            let mut turn = Turn { tool_choice: choice, servers, history, approved, can_ask, ..turn() };
            turn.request.parallel_tool_calls = parallel;
            turn.max_tool_calls = (calls > 0).then_some(calls);
            turn.request.sampling.max_output_tokens = (tokens > 4).then_some(tokens);
            let (rounds, tool_calls, parallel, identical_calls) = limits;
            (turn, Limits { rounds, tool_calls, parallel, identical_calls })
        },
    )
}

/// Up to two servers, of which the context may hold the tools.
fn any_servers() -> impl Strategy<Value = (Vec<Server>, Vec<Item>)> {
    let one = (any::<bool>(), any::<bool>());
    vec(one, 0..3).prop_map(|drawn| {
        let labels = ["wiki", "shop"];
        let known = drawn.iter().zip(labels).filter(|((_, is_known), _)| *is_known).map(|(_, label)| {
            let tools = serde_json::to_value(tools(&REMOTE)).expect("tools are JSON");
            json!({"type": "mcp_list_tools", "id": format!("mcpl_{label}"), "server_label": label, "tools": tools})
        });
        let history = items(known.collect());
        let servers = drawn.iter().zip(labels).map(|((is_required, _), label)| server(label, *is_required));
        (servers.collect(), history)
    })
}

/// Calls that the client approved; each can be told by its arguments.
fn any_approved() -> impl Strategy<Value = Vec<Approved>> {
    vec(proptest::sample::select(REMOTE.as_slice()), 0..3).prop_map(|names| {
        let approved = |(number, name): (usize, &str)| Approved {
            request_id: format!("mcpr_{number}"),
            server_label: "wiki".to_owned(),
            name: name.to_owned(),
            arguments: format!("{{\"approved\":{number}}}"),
        };
        names.into_iter().enumerate().map(approved).collect()
    })
}

pub(crate) fn any_listing() -> impl Strategy<Value = ListOutcome> {
    prop_oneof![
        4 => Just(ListOutcome::Listed(tools(&REMOTE))),
        1 => Just(ListOutcome::Listed(Vec::new())),
        1 => Just(ListOutcome::Failed(McpError::Http { code: 502, message: "away".to_owned() })),
    ]
}

fn any_choice() -> impl Strategy<Value = Choice> {
    let names = || vec(any_pick(), 1..3);
    prop_oneof![
        4 => Just(Choice::Auto),
        1 => Just(Choice::None),
        1 => Just(Choice::Required),
        1 => names().prop_map(Choice::Tool),
        1 => (names(), any::<bool>()).prop_map(|(names, required)| Choice::Allowed { names, required }),
    ]
}

fn any_pick() -> impl Strategy<Value = Pick> {
    prop_oneof![
        4 => any_tool().prop_map(Pick::Name),
        1 => any::<bool>().prop_map(|all| Pick::Remote {
            server_label: "wiki".to_owned(),
            tool: (!all).then(|| "read".to_owned()),
        }),
    ]
}

fn any_tool() -> impl Strategy<Value = String> {
    let remote = ["mcp__wiki__read", "mcp__wiki__ask", "mcp__shop__forbidden", "mcp__shop__read"];
    prop_oneof![
        9 => proptest::sample::select(CALLED.as_slice()),
        4 => proptest::sample::select(remote.to_vec()),
        1 => Just("unknown"),
    ]
    .prop_map(str::to_owned)
}

/// What a model says from one `CallModel` to its end, which is a stop or, rarely, a failure.
pub(crate) fn any_generation() -> impl Strategy<Value = Vec<Input>> {
    let ending = prop_oneof![
        6 => Just(stop(StopReason::Stop)),
        6 => Just(stop(StopReason::Tool)),
        1 => Just(stop(StopReason::Length)),
        1 => Just(stop(StopReason::Filter)),
        1 => Just(stop(StopReason::Other("odd".to_owned()))),
        1 => Just(failed()),
    ];
    (vec(any_saying(), 0..6), ending).prop_map(|(sayings, ending)| {
        let mut inputs: Vec<Input> = sayings.into_iter().flatten().collect();
        inputs.push(ending);
        inputs
    })
}

fn any_saying() -> impl Strategy<Value = Vec<Input>> {
    prop_oneof![
        4 => any_word().prop_map(|input| vec![input]),
        3 => vec((any_tool(), vec("[a-c{} \"]{0,2}", 0..3)), 1..4).prop_map(|calls| interleaved(&calls)),
    ]
}

/// Anything but calls.
fn any_word() -> impl Strategy<Value = Input> {
    let model = Input::Model;
    prop_oneof![
        4 => "[a-c \n]{0,3}".prop_map(|delta| text(&delta)),
        3 => r"([\[\]()éa]|\]\(https://a\.b/?\)|\[a\]\(https://a\.b|\)){0,3}".prop_map(|delta| text(&delta)),
        1 => "[a-c]{1,2}".prop_map(move |text| {
            model(ModelEvent::TextDelta { text, logprobs: vec![json!({"token": "t"})] })
        }),
        2 => (0..2u32, "[a-c]{0,2}").prop_map(|(index, delta)| reasoning(index, &delta)),
        1 => (0..2u32, 0..3u32, "[a-c]{0,2}")
            .prop_map(move |(index, part, text)| model(ModelEvent::SummaryDelta { index, part, text })),
        1 => (0..2u32).prop_map(move |index| {
            model(ModelEvent::ReasoningSealed { index, encrypted: "sealed".to_owned() })
        }),
        1 => "[a-c]{0,2}".prop_map(move |text| model(ModelEvent::RefusalDelta { text })),
        1 => Just(model(ModelEvent::Annotation { annotation: json!({"type": "url_citation"}) })),
        2 => (0..3u64, 0..3u64).prop_map(|(read, written)| usage(read, written)),
    ]
}

/// Parallel calls, their fragments in turns.
fn interleaved(calls: &[(String, Vec<String>)]) -> Vec<Input> {
    let indexed = || (0u32..).zip(calls);
    let longest = calls.iter().map(|(_, fragments)| fragments.len()).max().unwrap_or(0);
    let mut inputs: Vec<Input> = indexed().map(|(index, (name, _))| start(index, name)).collect();
    for place in 0..longest {
        let fragments =
            indexed().filter_map(|(index, (_, list))| list.get(place).map(|text| arguments(index, text)));
        inputs.extend(fragments);
    }
    inputs.extend(indexed().map(|(index, _)| end(index)));
    inputs
}

pub(crate) fn any_outcome() -> impl Strategy<Value = ToolOutcome> {
    ("[a-z]{0,3}", any::<bool>(), 0..3u64).prop_map(|(output, failed, tokens)| ToolOutcome {
        output,
        failed,
        usage: Usage::new(tokens, tokens),
        sources: vec![Source { url: "https://a.b".to_owned(), title: "A".to_owned() }],
        ..ToolOutcome::default()
    })
}

/// Inputs in an order that no driver would make.
pub(crate) fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        8 => any_word(),
        3 => (0..3u32, any_tool()).prop_map(|(index, name)| start(index, &name)),
        3 => (0..3u32, "[a-c]{0,2}").prop_map(|(index, fragment)| arguments(index, &fragment)),
        3 => (0..3u32).prop_map(end),
        2 => Just(stop(StopReason::Tool)),
        1 => Just(stop(StopReason::Length)),
        4 => (0..6usize, any_outcome()).prop_map(|(number, outcome)| done(&number.to_string(), outcome)),
        1 => Just(Input::Quiet),
        6 => (prop_oneof![Just("wiki"), Just("shop")], any_listing())
            .prop_map(|(label, outcome)| Input::Listed { server_label: label.to_owned(), outcome }),
        1 => prop_oneof![Just(Input::Expired), Just(Input::Cancelled), Just(failed()), Just(ended())],
    ]
}
