//! The wire, byte for byte: what is read is written back, and events look as they should.

use bytes::BytesMut;
use proptest::prelude::*;
use protocol::error::ApiError;
use protocol::read::Path;
use protocol::responses::content::Content;
use protocol::responses::event::{At, CallKind, Event, EventBody, Lifecycle, Slot};
use protocol::responses::item::{Item, Reasoning};
use protocol::responses::request::{CreateResponse, items, parse};
use protocol::responses::response::Response;
use protocol::responses::tool::Tool;
use protocol::sse::encode;
use serde_json::{Value, json};

const ITEMS: &str = include_str!("golden/items.jsonl");
const TOOLS: &str = include_str!("golden/tools.jsonl");
const RESPONSE: &str = include_str!("golden/response.json");

#[test]
fn every_item_is_written_as_it_was_read() {
    for line in ITEMS.lines() {
        let item: Item = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&item).unwrap(), line);
        let value: Value = serde_json::from_str(line).unwrap();
        assert_eq!(item.kind(), value["type"].as_str().unwrap());
        assert_eq!(item.id(), value["id"].as_str().unwrap_or_default());
    }
}

#[test]
fn every_item_is_accepted_as_input_and_returned_unchanged() {
    for line in ITEMS.lines() {
        let accepted = items(vec![serde_json::from_str(line).unwrap()], &Path::Root.key("input")).unwrap();
        assert_eq!(serde_json::to_string(&accepted[0]).unwrap(), line);
        assert_eq!(accepted[0], serde_json::from_str::<Item>(line).unwrap());
    }
}

#[test]
fn every_tool_is_echoed_as_it_was_read() {
    for line in TOOLS.lines() {
        let tool: Tool = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&tool).unwrap(), line);
        let body = format!(r#"{{"model":"m","input":"x","tools":[{line}]}}"#);
        let request = parse(body.as_bytes(), true).unwrap();
        assert_eq!(serde_json::to_string(&request.tools[0]).unwrap(), line);
    }
}

#[test]
fn a_response_is_written_as_it_was_read() {
    let response: Response = serde_json::from_str(RESPONSE).unwrap();
    assert_eq!(serde_json::to_string(&response).unwrap(), RESPONSE.trim_end());
}

#[test]
fn every_event_has_its_frame() {
    let (mut out, response) = (BytesMut::new(), serde_json::from_str::<Response>(RESPONSE).unwrap());
    let response = Response { output: Vec::new(), ..response };
    for (sequence_number, body) in (0..).zip(events(&response)) {
        encode::event(&mut out, &Event { sequence_number, body });
    }
    insta::assert_snapshot!(std::str::from_utf8(&out).unwrap());
}

fn events(response: &Response) -> Vec<EventBody> {
    let at = || At { item_id: "msg_1".into(), output_index: 1, part: 2 };
    let slot = || Slot { item_id: "fc_1".into(), output_index: 3 };
    let item = || Box::new(Item::Reasoning(Reasoning { id: "rs_1".into(), ..Reasoning::default() }));
    let text = || "t\n\"é".to_owned();
    let mut all: Vec<EventBody> = lifecycle(response).into();
    all.extend([
        EventBody::ItemAdded(0, item()),
        EventBody::ItemDone(0, item()),
        EventBody::PartAdded(at(), Content::output_text("")),
        EventBody::PartDone(at(), Content::refusal("no")),
        EventBody::TextDelta(at(), text(), vec![json!({"token": "t"})]),
        EventBody::TextDone(at(), text(), vec![]),
        EventBody::AnnotationAdded(at(), 0, json!({"type": "url_citation"})),
        EventBody::RefusalDelta(at(), text()),
        EventBody::RefusalDone(at(), text()),
        EventBody::ReasoningDelta(at(), text()),
        EventBody::ReasoningDone(at(), text()),
        EventBody::SummaryPartAdded(at(), Content::summary_text("")),
        EventBody::SummaryPartDone(at(), Content::summary_text("s")),
        EventBody::SummaryDelta(at(), text()),
        EventBody::SummaryDone(at(), text()),
    ]);
    for kind in [CallKind::Function, CallKind::Custom, CallKind::Mcp] {
        all.push(EventBody::ArgumentsDelta(kind, slot(), text()));
        all.push(EventBody::ArgumentsDone(kind, slot(), text(), "name".into()));
    }
    let extra = vec![("partial_image_index", json!(0)), ("partial_image_b64", json!("aGk="))];
    all.push(EventBody::Progress("response.file_search_call.searching", slot(), vec![]));
    all.push(EventBody::Progress("response.image_generation_call.partial_image", slot(), extra));
    all.push(EventBody::Error(Box::new(ApiError::invalid_value("input", "why."))));
    all
}

fn lifecycle(response: &Response) -> [EventBody; 6] {
    use Lifecycle::{Completed, Created, Failed, InProgress, Incomplete, Queued};
    let event = |what| EventBody::Lifecycle(what, Box::new(response.clone()));
    [Created, Queued, InProgress, Completed, Incomplete, Failed].map(event)
}

/// All items but references, which are replaced by what they name.
fn lasting() -> Vec<&'static str> {
    ITEMS.lines().filter(|line| !line.contains("item_reference")).collect()
}

/// Any JSON, shallow.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..4).prop_map(|pairs| pairs.into_iter().collect()),
        ]
    })
}

/// Keys that mean something, and others.
fn key() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "type",
        "role",
        "content",
        "id",
        "status",
        "text",
        "call_id",
        "output",
        "name",
        "arguments",
        "input",
        "model",
        "tools",
        "tool_choice",
        "metadata",
        "include",
        "reasoning",
        "summary",
        "server_label",
        "queries",
        "detail",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => "[a-z]{1,6}"]
}

proptest! {
    #[test]
    fn unknown_fields_survive(line in prop::sample::select(lasting()), value in json_value()) {
        let mut item: Value = serde_json::from_str(line).unwrap();
        item["unheard_of"] = value;
        let accepted = items(vec![item.clone()], &Path::Root).unwrap();
        prop_assert_eq!(serde_json::to_string(&accepted[0]).unwrap(), item.to_string());
    }

    #[test]
    fn any_input_is_accepted_for_good_or_refused(values in prop::collection::vec(json_value(), 0..3)) {
        if let Ok(accepted) = items(values, &Path::Root) {
            let written: Vec<Value> = accepted.iter().map(|item| serde_json::to_value(item).unwrap()).collect();
            prop_assert_eq!(items(written, &Path::Root).unwrap(), accepted, "it is idempotent");
        }
    }

    #[test]
    fn any_body_is_parsed_or_refused_with_a_400(pairs in prop::collection::vec((key(), json_value()), 0..8)) {
        let body: Value = pairs.into_iter().chain([("model".to_owned(), json!("m"))]).collect();
        match parse(body.to_string().as_bytes(), false) {
            Ok(CreateResponse { model, .. }) => prop_assert_eq!(model, "m"),
            Err(error) => prop_assert_eq!(error.status, 400),
        }
    }
}
