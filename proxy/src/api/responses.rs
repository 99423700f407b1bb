//! `/v1/responses`: create, read, delete, list the input.

use std::sync::Arc;

use agent::finished::Finished;
use agent::run::Run;
use config::spec::ModelType;
use protocol::error::{ApiError, INVALID_REQUEST};
use protocol::id::{self, Id};
use protocol::page::{List, Order};
use protocol::responses::item::Item;
use protocol::responses::request::{CreateResponse, Include, parse};
use protocol::responses::response::{Response, ResponseTag};
use protocol::responses::show;
use serde_json::json;

use crate::api::query::Query;
use crate::app::{App, Reply, Request, event_stream, json_of};
use crate::error::from_store;
use crate::runs::conclude::Record;
use crate::runs::drive::{Over, Work, drive};
use crate::runs::outlet::{Driven, Outlet};
use crate::runs::resolve::{Prepared, prepare};
use crate::runs::sink::{Discard, EventStream, Sink};

/// Runs a turn.
pub async fn create(app: &Arc<App>, request: Request) -> Result<Reply, ApiError> {
    let create = parse(&request.body, request.runtime.settings.strict)?;
    let resolution = request.runtime.resolve(&create.model, &request.headers, &request.caller)?;
    resolution.expect(ModelType::Chat)?;
    let shape = Shape::of(&create);
    let prepared = prepare(app, &request, create, resolution).await?;
    let turn = Ready::new(app, &request, prepared);
    if shape.stream { stream(app, &request, turn, shape) } else { buffered(app, turn, &shape).await }
}

/// How the caller wants the answer.
struct Shape {
    stream: bool,
    include: Vec<Include>,
    obfuscate: bool,
}

impl Shape {
    fn of(request: &CreateResponse) -> Self {
        let (stream, obfuscate) = (request.stream, request.include_obfuscation);
        Self { stream, include: request.include.clone(), obfuscate }
    }
}

/// A turn with all that it works with.
struct Ready {
    run: Run<tools::toolbox::Toolbox>,
    work: Work,
    record: Record,
}

impl Ready {
    fn new(app: &Arc<App>, request: &Request, prepared: Prepared) -> Self {
        let record = Record::new(request, &prepared);
        let work = app.work(request, &prepared);
        request.trail.note(|notes| {
            notes.response_id = Some(prepared.turn.response.id.clone());
            notes.previous_response_id.clone_from(&prepared.turn.response.previous_response_id);
            notes.stream = Some(prepared.turn.request.stream);
        });
        let Prepared { turn, toolbox, ids, .. } = prepared;
        Self { run: Run::new(turn, toolbox, request.runtime.settings.limits, ids), work, record }
    }
}

fn stream(app: &Arc<App>, request: &Request, turn: Ready, shape: Shape) -> Result<Reply, ApiError> {
    let open = app.open_stream(request)?;
    let (outlet, app) = (Outlet::default(), Arc::clone(app));
    let seed = shape.obfuscate.then(|| app.seed());
    let mut sink = EventStream::new(outlet.clone(), shape.include, seed);
    let driver = async move {
        let Ready { run, work, record } = turn;
        let _open = open;
        let Over { mut finished, failure } = drive(run, &work, &mut sink).await;
        let unstored = record.conclude(&app, &mut finished).await;
        for event in failure.into_iter().chain(unstored) {
            sink.send(event).await;
        }
        sink.send(finished.event()).await;
        sink.end();
    };
    Ok(event_stream(Box::pin(Driven::new(outlet, Box::pin(driver)))))
}

async fn buffered(app: &App, turn: Ready, shape: &Shape) -> Result<Reply, ApiError> {
    let Ready { run, work, record } = turn;
    let mut finished = drive(run, &work, &mut Discard).await.finished;
    if record.conclude(app, &mut finished).await.is_some() {
        return Err(record.unavailable(&finished));
    }
    let Finished { mut response, failure, .. } = finished;
    if let Some(failure) = failure {
        work.trail.note(|notes| notes.error_code.clone_from(&failure.error.code));
        return Err(failure.error);
    }
    response.output.iter_mut().for_each(|item| show::conceal(item, &shape.include));
    json_of(&response)
}

/// Reads a stored response.
pub async fn get(app: &App, request: Request) -> Result<Reply, ApiError> {
    let query = Query::parse(&request.query);
    let include = query.include()?;
    let mut response = stored(app, &request).await?;
    if query.flag("stream")? {
        let message = "This response cannot be streamed because it was not created with background=true.";
        return Err(ApiError::new(400, INVALID_REQUEST, message).with_param("stream"));
    }
    response.output.iter_mut().for_each(|item| show::conceal(item, &include));
    json_of(&response)
}

/// Deletes a stored response.
pub async fn delete(app: &App, request: Request) -> Result<Reply, ApiError> {
    let id = known_form(&request.route.id)?;
    let deleted = app.store.responses.delete(&request.caller.tenant, id.as_str()).await;
    if !deleted.map_err(|error| from_store(&error))? {
        return Err(ApiError::response_not_found(id.as_str()));
    }
    json_of(&json!({"id": id.as_str(), "object": ResponseTag, "deleted": true}))
}

/// Lists the context of a stored response: what came before it, then its own input.
pub async fn input_items(app: &App, request: Request) -> Result<Reply, ApiError> {
    let query = Query::parse(&request.query);
    let (page, include) = (query.page(Order::Desc)?, query.include()?);
    let id = known_form(&request.route.id)?;
    let (tenant, now) = (&request.caller.tenant, app.clock.now());
    let listed = app.store.responses.input_items(tenant, id.as_str(), &page, now).await;
    let Some(listed) = listed.map_err(|error| from_store(&error))? else {
        return Err(ApiError::response_not_found(id.as_str()));
    };
    let mut items = listed.items;
    items.iter_mut().for_each(|item| show::conceal(item, &include));
    json_of(&List::new(items, listed.has_more, |item: &Item| item.id().to_owned()))
}

/// There is no WebSocket here.
pub fn upgrade_required() -> ApiError {
    ApiError::new(
        426,
        INVALID_REQUEST,
        "WebSocket is not available on this server; use POST with stream=true.",
    )
}

async fn stored(app: &App, request: &Request) -> Result<Response, ApiError> {
    let id = known_form(&request.route.id)?;
    let found = app.store.responses.get(&request.caller.tenant, id.as_str(), app.clock.now()).await;
    found.map_err(|error| from_store(&error))?.ok_or_else(|| ApiError::response_not_found(id.as_str()))
}

/// An id of another form cannot exist.
fn known_form(text: &str) -> Result<Id<id::Response>, ApiError> {
    Id::parse(text).ok_or_else(|| ApiError::response_not_found(text))
}
