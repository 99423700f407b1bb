//! `POST /v1/chat/completions`: passed on as it is, passed on and stored, or run as a turn.

mod keep;
mod options;
mod turn;

use std::sync::Arc;

use protocol::chat::peek::peek;
use protocol::chat::request;
use protocol::error::ApiError;
use providers::RelayBody;

use crate::app::{App, Reply, Request};
use crate::relay;
use config::spec::ModelType;

/// Where upstreams that speak Chat Completions take requests.
const PATH: &str = "/chat/completions";

/// Answers a request. It becomes a turn where tools of the server are offered, or where the upstream speaks another API.
pub async fn create(app: &Arc<App>, request: Request) -> Result<Reply, ApiError> {
    let seen = peek(&request.body)?;
    let model = request.runtime.resolve(&seen.model, &request.headers, &request.caller)?;
    model.expect(ModelType::Chat)?;
    if seen.has_server_tools || !model.targets.relays_chat() {
        return Box::pin(turn::run(app, &request, request::parse(&request.body)?, model)).await;
    }
    if seen.store {
        return Box::pin(keep::run(app, &request, request::parse(&request.body)?, model)).await;
    }
    let body = RelayBody::parse(request.body.clone())?;
    relay::pass(app, &request, &model, (PATH, body)).await?.reply(app, &request).await
}
