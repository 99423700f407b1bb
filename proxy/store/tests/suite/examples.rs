//! Objects to store.

use protocol::Object;
use protocol::id::Tenant;
use protocol::page::{Order, Page};
use protocol::responses::item::Item;
use protocol::responses::response::{Metadata, Response};
use serde_json::{Value, json};
use store::{Chain, NewApproval, NewCompletion, NewResponse, PendingCall, Responses};

pub(crate) const NOW: i64 = 1_000_000;

pub(crate) fn tenant(name: &str) -> Tenant {
    Tenant::new(name)
}

pub(crate) fn message(id: &str, role: &str, text: &str) -> Item {
    let part = if role == "assistant" { "output_text" } else { "input_text" };
    item(json!({"id": id, "type": "message", "role": role, "content": [{"type": part, "text": text}]}))
}

pub(crate) fn item(value: Value) -> Item {
    serde_json::from_value(value).unwrap()
}

/// A turn: `resp_{name}` with the input `msg_{name}_in` and the output `msg_{name}_out`.
pub(crate) fn turn(name: &str, previous: Option<&str>) -> NewResponse {
    let output = vec![message(&format!("msg_{name}_out"), "assistant", &format!("{name}: answer"))];
    let input = vec![message(&format!("msg_{name}_in"), "user", &format!("{name}: question"))];
    let previous = previous.map(|name| format!("resp_{name}"));
    NewResponse {
        response: response(&format!("resp_{name}"), previous.as_deref(), output),
        input,
        expires_at: None,
        approvals: Vec::new(),
    }
}

pub(crate) fn response(id: &str, previous: Option<&str>, output: Vec<Item>) -> Response {
    let mut response: Response = serde_json::from_value(json!({
        "id": id, "object": "response", "created_at": NOW, "status": "completed", "background": false,
        "completed_at": NOW, "error": null, "incomplete_details": null, "instructions": null,
        "max_output_tokens": null, "max_tool_calls": null, "model": "demo/echo", "output": [],
        "parallel_tool_calls": true, "previous_response_id": previous, "conversation": null, "prompt": null,
        "prompt_cache_key": null, "prompt_cache_retention": null, "reasoning": {"effort": null, "summary": null},
        "safety_identifier": null, "service_tier": "default", "store": true, "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"}, "tool_choice": "auto", "tools": [],
        "top_logprobs": 0, "top_p": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0,
        "truncation": "disabled", "usage": null, "user": null, "metadata": {}, "moderation": null,
        "billing": {"payer": "developer"},
    }))
    .unwrap();
    response.output = output;
    response
}

/// A completion `chatcmpl-{name}` with two messages.
pub(crate) fn completion(name: &str, created: i64, pairs: &[(&str, &str)]) -> NewCompletion {
    let id = format!("chatcmpl-{name}");
    let body =
        object(json!({"id": id, "object": "chat.completion", "created": created, "model": "demo/echo"}));
    let message = |n: usize| object(json!({"id": format!("{id}-{n}"), "role": "user", "content": "hi"}));
    let messages = vec![message(0), message(1)];
    let (model, metadata) = ("demo/echo".to_owned(), metadata(pairs));
    NewCompletion { id, created, model, metadata, body, messages, expires_at: None }
}

/// A request `mcpr_{name}` that is open for a day.
pub(crate) fn approval(name: &str) -> NewApproval {
    let call = PendingCall {
        server_label: "wiki".to_owned(),
        name: "edit".to_owned(),
        arguments: format!("{{\"page\":\"{name}\\u0000\0\"}}"),
    };
    let (id, hash) = (format!("mcpr_{name}"), format!("hash of {name}"));
    NewApproval { id, call: Some(call), hash, created_at: NOW, expires_at: NOW + 86_400 }
}

pub(crate) fn metadata(pairs: &[(&str, &str)]) -> Metadata {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn object(value: Value) -> Object {
    serde_json::from_value(value).unwrap()
}

pub(crate) fn page(limit: u32, order: Order) -> Page {
    Page { limit, order, after: None, before: None }
}

pub(crate) fn ids(items: &[Item]) -> Vec<&str> {
    items.iter().map(Item::id).collect()
}

/// The items of a chain that must be whole.
pub(crate) async fn chain_items(responses: &dyn Responses, tenant: &Tenant, name: &str) -> Vec<Item> {
    match responses.chain(tenant, &format!("resp_{name}"), NOW).await.unwrap() {
        Chain::Found { items, .. } => items,
        Chain::NotFound => panic!("the chain of {name} is broken"),
    }
}
