//! `/v1/chat/completions` as a collection: what was created with `store: true`.

use protocol::Object;
use protocol::error::ApiError;
use protocol::page::{List, Order};
use protocol::read::{Fields, Path};
use protocol::responses::request::metadata;
use serde_json::{Value, json};
use store::{CompletionFilter, Listed};

use crate::api::query::Query;
use crate::app::{App, Reply, Request, json_of};
use crate::error::from_store;

/// Lists completions, oldest first unless asked otherwise.
pub async fn list(app: &App, request: Request) -> Result<Reply, ApiError> {
    let query = Query::parse(&request.query);
    let page = query.page(Order::Asc)?;
    let model = query.get("model").map(str::to_owned);
    let filter = CompletionFilter { model, metadata: query.map("metadata").into_iter().collect() };
    let (tenant, now) = (&request.caller.tenant, app.clock.now());
    let listed = app.store.completions.list(tenant, &filter, &page, now).await;
    json_of(&envelope(listed.map_err(|error| from_store(&error))?))
}

/// Reads a completion.
pub async fn get(app: &App, request: Request) -> Result<Reply, ApiError> {
    json_of(&stored(app, &request).await?)
}

/// Replaces the metadata of a completion.
pub async fn update(app: &App, request: Request) -> Result<Reply, ApiError> {
    let body: Value = protocol::read::json(&request.body)?;
    let mut fields = Fields::new(body, Path::Root)?;
    if !fields.has("metadata") {
        return Err(fields.missing("metadata"));
    }
    let metadata = metadata(&mut fields)?;
    let (tenant, id, now) = (&request.caller.tenant, &request.route.id, app.clock.now());
    let updated = app.store.completions.update_metadata(tenant, id, &metadata, now).await;
    if !updated.map_err(|error| from_store(&error))? {
        return Err(unknown(id));
    }
    json_of(&stored(app, &request).await?)
}

/// Deletes a completion.
pub async fn delete(app: &App, request: Request) -> Result<Reply, ApiError> {
    let id = &request.route.id;
    let deleted = app.store.completions.delete(&request.caller.tenant, id).await;
    if !deleted.map_err(|error| from_store(&error))? {
        return Err(unknown(id));
    }
    json_of(&json!({"id": id, "object": "chat.completion.deleted", "deleted": true}))
}

/// Lists the messages of a completion's request.
pub async fn messages(app: &App, request: Request) -> Result<Reply, ApiError> {
    let page = Query::parse(&request.query).page(Order::Asc)?;
    let (tenant, id, now) = (&request.caller.tenant, &request.route.id, app.clock.now());
    let listed = app.store.completions.messages(tenant, id, &page, now).await;
    match listed.map_err(|error| from_store(&error))? {
        Some(listed) => json_of(&envelope(listed)),
        None => Err(unknown(id)),
    }
}

async fn stored(app: &App, request: &Request) -> Result<Object, ApiError> {
    let (tenant, id, now) = (&request.caller.tenant, &request.route.id, app.clock.now());
    let found = app.store.completions.get(tenant, id, now).await;
    found.map_err(|error| from_store(&error))?.ok_or_else(|| unknown(id))
}

fn envelope(listed: Listed<Object>) -> List<Object> {
    let id = |object: &Object| object.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    List::new(listed.items, listed.has_more, id)
}

fn unknown(id: &str) -> ApiError {
    ApiError::not_found(format!("Chat completion with id '{id}' not found."))
}
