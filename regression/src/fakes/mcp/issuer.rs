//! The token endpoint.

use http::Response;
use serde_json::json;

use super::perform::{Body, json};
use super::state::State;

pub(super) fn answer(state: &State) -> Response<Body> {
    let issuer = state.behaviour.lock().issuer.clone();
    if issuer.refuses {
        return json(401, &json!({"error": "invalid_client"}));
    }
    let mut token = json!({"access_token": state.issue(), "token_type": "bearer"});
    if let Some(seconds) = issuer.expires_in {
        token["expires_in"] = json!(seconds);
    }
    json(200, &token)
}
