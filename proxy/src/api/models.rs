//! `/v1/models`: the names that a caller may send.

use protocol::error::{ApiError, INVALID_REQUEST};
use serde_json::{Value, json};

use crate::app::{Reply, Request, json_of};

/// Lists the Models and aliases that the caller may use. No provider is asked.
pub fn list(request: &Request) -> Result<Reply, ApiError> {
    let names = request.runtime.names(&request.caller.view);
    let data: Vec<Value> = names.map(|(name, owner)| object(name, owner)).collect();
    json_of(&json!({"object": "list", "data": data}))
}

/// Reads one model.
pub fn get(request: &Request) -> Result<Reply, ApiError> {
    let id = &request.route.id;
    match request.runtime.owner(id, &request.caller.view) {
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
