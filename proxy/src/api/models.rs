//! `/v1/models`: the names that a caller may send.

use protocol::error::{ApiError, INVALID_REQUEST};
use serde_json::{Value, json};

use crate::app::{App, Reply, Request, json_of};

/// Lists Models and their aliases. No provider is asked.
pub fn list(app: &App, _: &Request) -> Result<Reply, ApiError> {
    let runtime = app.live.load();
    let data: Vec<Value> = runtime.names().map(|(name, owner)| object(name, owner)).collect();
    json_of(&json!({"object": "list", "data": data}))
}

/// Reads one model.
pub fn get(app: &App, request: &Request) -> Result<Reply, ApiError> {
    let (runtime, id) = (app.live.load(), &request.route.id);
    match runtime.owner(id) {
        Some(owner) => json_of(&object(id, owner)),
        None => Err(ApiError::model_not_found(id)),
    }
}

/// Models are objects of the configuration; the API deletes none.
pub fn delete(request: &Request) -> ApiError {
    let message =
        format!("The model '{}' belongs to the configuration and cannot be deleted here.", request.route.id);
    ApiError::new(403, INVALID_REQUEST, message).with_code("insufficient_permissions")
}

/// `created` is not known of a model in the configuration.
fn object(name: &str, owner: &str) -> Value {
    json!({"id": name, "object": "model", "created": 0, "owned_by": owner})
}
