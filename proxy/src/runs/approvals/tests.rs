use std::sync::Arc;

use protocol::responses::request::CreateResponse;
use serde_json::{Value, json};
use store::{Settings, Store};
use tempfile::TempDir;

use super::*;
use crate::runs::echo;

const NOW: i64 = 1_000_000;
const ID: &str = "mcpr_0123456789abcdef0123456789abcdef0123456789abcdef";

fn items(items: Value) -> Vec<Item> {
    serde_json::from_value(items).unwrap()
}

fn request() -> Value {
    json!({"type": "mcp_approval_request", "id": ID, "server_label": "wiki", "name": "edit", "arguments": "{}"})
}

fn answer(approve: bool) -> Value {
    json!({"type": "mcp_approval_response", "approval_request_id": ID, "approve": approve})
}

fn ran() -> Value {
    json!({"type": "mcp_call", "id": "mcp_1", "server_label": "wiki", "name": "edit", "arguments": "{}",
        "output": "done", "approval_request_id": ID})
}

fn response(is_stored: bool) -> Response {
    let request = CreateResponse { store: is_stored, ..CreateResponse::default() };
    let mut response = echo::of(&request, "resp_1".to_owned(), NOW);
    response.status = Status::Completed;
    response.output = items(json!([self::request()]));
    response
}

/// A store that knows the request, from a response that is stored or is not.
struct Asked {
    store: Store,
    tenant: Tenant,
    _folder: TempDir,
}

impl Asked {
    async fn new(is_stored: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Settings::sqlite(&folder.path().join("s.db"))).await.unwrap();
        let tenant = Tenant::new("red");
        store.approvals.put(&tenant, requested(&response(is_stored), NOW)).await.unwrap();
        Self { store, tenant, _folder: folder }
    }

    async fn answer(&self, history: Value, input: Value) -> Result<Vec<Approved>, ApiError> {
        self.answer_as(&self.tenant, NOW, (history, input)).await
    }

    async fn answer_as(
        &self,
        tenant: &Tenant,
        now: i64,
        (history, input): (Value, Value),
    ) -> Result<Vec<Approved>, ApiError> {
        let servers = [Server { label: "wiki".to_owned(), is_required: true }];
        let (history, input) = (items(history), items(input));
        let answers = Answers { tenant, history: &history, input: &input, servers: &servers, now };
        answered(&*self.store.approvals, &answers).await
    }
}

fn approved() -> Vec<Approved> {
    let own = str::to_owned;
    vec![Approved { request_id: own(ID), server_label: own("wiki"), name: own("edit"), arguments: own("{}") }]
}

fn refused(result: Result<Vec<Approved>, ApiError>) -> (u16, String) {
    let error = result.unwrap_err();
    (error.status, error.param.unwrap_or_default())
}

fn at(index: usize) -> (u16, String) {
    (400, format!("input[{index}].approval_request_id"))
}

#[tokio::test]
async fn an_approved_call_is_given_once() {
    let asked = Asked::new(true).await;
    let answers = || (json!([request()]), json!([answer(true)]));
    let (history, input) = answers();
    assert_eq!(asked.answer(history, input).await.unwrap(), approved());
    let (history, input) = answers();
    assert_eq!(refused(asked.answer(history, input).await), at(0));
}

#[tokio::test]
async fn the_stored_call_needs_no_item() {
    let asked = Asked::new(true).await;
    assert_eq!(asked.answer(json!([]), json!([answer(true)])).await.unwrap(), approved());
}

#[tokio::test]
async fn a_call_that_is_not_stored_comes_inline() {
    let asked = Asked::new(false).await;
    let row = asked.store.approvals.get(&asked.tenant, &key(ID), NOW).await.unwrap().unwrap();
    assert_eq!(row.call, None, "nothing of the call is kept");
    assert_eq!(refused(asked.answer(json!([]), json!([answer(true)])).await), at(0));
    assert_eq!(asked.answer(json!([]), json!([request(), answer(true)])).await.unwrap(), approved());
    assert_eq!(refused(asked.answer(json!([]), json!([request(), answer(true)])).await), at(1));
}

#[tokio::test]
async fn an_edited_call_is_refused_and_stays_open() {
    for is_stored in [true, false] {
        let asked = Asked::new(is_stored).await;
        for (key, value) in [("arguments", "{\"all\":true}"), ("name", "delete"), ("server_label", "shop")] {
            let mut edited = request();
            edited[key] = json!(value);
            assert_eq!(refused(asked.answer(json!([]), json!([edited, answer(true)])).await), at(1), "{key}");
        }
        assert_eq!(asked.answer(json!([]), json!([request(), answer(true)])).await.unwrap(), approved());
    }
}

#[tokio::test]
async fn a_denied_call_cannot_be_approved_later() {
    let asked = Asked::new(true).await;
    assert!(asked.answer(json!([request()]), json!([answer(false)])).await.unwrap().is_empty());
    assert_eq!(refused(asked.answer(json!([request()]), json!([answer(true)])).await), at(0));
}

#[tokio::test]
async fn foreign_old_and_unknown_requests_are_refused_alike() {
    let asked = Asked::new(true).await;
    let answers = || (json!([]), json!([request(), answer(true)]));
    let foreign = asked.answer_as(&Tenant::new("blue"), NOW, answers()).await.unwrap_err();
    let old = asked.answer_as(&asked.tenant, NOW + KEPT, answers()).await.unwrap_err();
    let mut unknown = answer(true);
    unknown["approval_request_id"] = json!("mcpr_x");
    let unknown = asked.answer(json!([]), json!([request(), unknown])).await.unwrap_err();
    assert_eq!((foreign.clone(), foreign.status), (old, 400));
    assert_eq!(foreign, unknown);
    assert_eq!(asked.answer(json!([request()]), json!([answer(true)])).await.unwrap(), approved());
}

#[tokio::test]
async fn so_many_answers_are_looked_up_and_no_more() {
    let asked = Asked::new(true).await;
    let unknown = |number: usize| json!({"type": "mcp_approval_response", "approval_request_id": format!("mcpr_{number}"), "approve": false});
    let said = json!({"type": "message", "id": "msg_1", "role": "assistant",
        "content": [{"type": "output_text", "text": "Done.", "annotations": [], "logprobs": []}]});
    let history: Vec<Value> = (0..20_000).map(unknown).chain([said]).collect();
    assert!(asked.answer(json!([]), history.into()).await.unwrap().is_empty(), "all of it is history");
    let many: Vec<Value> = (0..=MOST).map(|_| answer(true)).collect();
    assert_eq!(refused(asked.answer(json!([]), many.into()).await), at(MOST));
    assert_eq!(
        asked.answer(json!([request()]), json!([answer(true)])).await.unwrap(),
        approved(),
        "nothing is used up"
    );
}

#[tokio::test]
async fn two_answers_to_one_request_are_refused() {
    let asked = Asked::new(true).await;
    assert_eq!(refused(asked.answer(json!([request()]), json!([answer(true), answer(true)])).await), at(0));
    assert_eq!(asked.answer(json!([request()]), json!([answer(true)])).await.unwrap(), approved());
}

#[tokio::test]
async fn of_two_turns_that_answer_at_once_one_gets_the_call() {
    let asked = Arc::new(Asked::new(true).await);
    let mut turns = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let asked = Arc::clone(&asked);
        turns.spawn(async move { asked.answer(json!([request()]), json!([answer(true)])).await.is_ok() });
    }
    assert_eq!(turns.join_all().await.into_iter().filter(|got| *got).count(), 1);
}

#[tokio::test]
async fn an_approval_without_its_server_is_refused_and_stays_open() {
    let asked = Asked::new(true).await;
    let input = items(json!([answer(true)]));
    let answers = Answers { tenant: &asked.tenant, history: &[], input: &input, servers: &[], now: NOW };
    let error = answered(&*asked.store.approvals, &answers).await.unwrap_err();
    assert_eq!((error.status, error.param.as_deref()), (400, Some("tools")));
    assert_eq!(asked.answer(json!([]), json!([answer(true)])).await.unwrap(), approved());
}

#[tokio::test]
async fn answers_that_are_sent_again_as_history_are_passed_over() {
    let asked = Asked::new(false).await;
    let said = json!({"type": "message", "id": "msg_1", "role": "assistant",
        "content": [{"type": "output_text", "text": "Done.", "annotations": [], "logprobs": []}]});
    let ran = json!([request(), answer(true), ran(), said]);
    assert!(asked.answer(json!([]), ran).await.unwrap().is_empty());
    let denied = json!([request(), answer(false), said]);
    assert!(asked.answer(json!([]), denied).await.unwrap().is_empty());
    assert_eq!(asked.answer(json!([]), json!([request(), answer(true)])).await.unwrap(), approved());
    let again = asked.answer(json!([request(), answer(true), self::ran()]), json!([answer(true)])).await;
    assert_eq!(refused(again), at(0), "a second answer is none of history");
}

#[test]
fn a_response_that_failed_asks_for_nothing() {
    let mut failed = response(true);
    failed.status = Status::Failed;
    assert!(requested(&failed, NOW).is_empty());
    let [kept] = &requested(&response(true), NOW)[..] else { panic!("one request") };
    assert!(kept.call.is_some() && kept.expires_at == NOW + KEPT);
    assert!(!format!("{kept:?}").contains(ID), "the id itself is not kept");
}
