//! A chat request as a turn of the agent loop.

use std::sync::Arc;

use agent::run::Run;
use bytes::BufMut;
use futures_util::FutureExt;
use protocol::Object;
use protocol::chat::chunk::{ChunkWriter, Head};
use protocol::chat::convert::convert;
use protocol::chat::request::ChatRequest;
use protocol::chat::response::Completion;
use protocol::error::ApiError;
use protocol::responses::event::Event;
use protocol::responses::response::{Response, Status};
use protocol::sse::encode;

use super::keep::Keeper;
use super::options;
use crate::app::{App, Reply, Request, event_stream, json_of};
use crate::live::resolve::Resolution;
use crate::runs::conclude::Record;
use crate::runs::drive::{Over, Work, drive};
use crate::runs::outlet::{Driven, Outlet};
use crate::runs::resolve::prepare;
use crate::runs::sink::{Discard, Sink};
use tools::toolbox::Toolbox;

/// A turn with all that it works with.
struct Ready {
    run: Run<Toolbox>,
    work: Work,
    record: Record,
    keeper: Keeper,
    is_legacy: bool,
}

/// Runs the turn and answers with one completion.
pub(super) async fn run(
    app: &Arc<App>,
    request: &Request,
    chat: ChatRequest,
    model: Resolution,
) -> Result<Reply, ApiError> {
    let mut converted = convert(&chat)?;
    converted.request.tools.extend(options::web_search(&chat, &request.runtime));
    let mut prepared = prepare(app, request, converted.request, model).await?;
    let sampling = &mut prepared.turn.request.sampling;
    (sampling.stop, sampling.seed) = (converted.stop, converted.seed);
    prepared.turn.keeps_model_name = true;
    prepared.turn.can_ask = false;
    request.trail.note(|notes| notes.stream = Some(chat.stream));
    let (record, work) = (Record::new(request, &prepared), app.work(request, &prepared));
    let head = Head {
        created: prepared.turn.response.created_at,
        model: chat.model.clone(),
        include_usage: chat.include_usage,
        is_legacy: chat.is_legacy,
        ..Head::default()
    };
    let run = Run::new(prepared.turn, prepared.toolbox, request.runtime.settings.limits, prepared.ids);
    let (is_stream, is_legacy) = (chat.stream, chat.is_legacy);
    let ready = Ready { run, work, record, keeper: Keeper::new(app, request, chat), is_legacy };
    if is_stream { stream(app, request, ready, head) } else { Box::pin(buffered(app, ready)).await }
}

async fn buffered(app: &App, ready: Ready) -> Result<Reply, ApiError> {
    let mut finished = drive(ready.run, &ready.work, &mut Discard).await.finished;
    ready.record.stamp(app, &mut finished);
    if let Some(failure) = finished.failure {
        ready.work.trail.note(|notes| notes.error_code.clone_from(&failure.error.code));
        return Err(failure.error);
    }
    let completion = completion(&finished.response, &ready.keeper, ready.is_legacy)?;
    ready.keeper.store(completion.clone()).await?;
    json_of(&completion)
}

fn stream(app: &Arc<App>, request: &Request, ready: Ready, head: Head) -> Result<Reply, ApiError> {
    let open = app.open_stream(request)?;
    let (outlet, app) = (Outlet::default(), Arc::clone(app));
    let head = Head { id: ready.keeper.id.clone(), ..head };
    let mut sink = Chunks { outlet: outlet.clone(), writer: ChunkWriter::new(head) };
    let driver = async move {
        let _open = open;
        let Over { mut finished, failure } = drive(ready.run, &ready.work, &mut sink).await;
        if let Some(failure) = failure {
            sink.send(failure).await;
        }
        ready.record.stamp(&app, &mut finished);
        let stored = match completion(&finished.response, &ready.keeper, ready.is_legacy) {
            Ok(completion) if finished.response.status != Status::Failed => {
                ready.keeper.store(completion).await
            }
            other => other.map(drop),
        };
        match stored {
            Ok(()) => sink.send(finished.event()).await,
            Err(error) => sink.outlet.put(|out| sink.writer.fail(out, &error)),
        }
        sink.end();
    };
    Ok(event_stream(Box::pin(Driven::new(outlet, driver.boxed()))))
}

fn completion(response: &Response, keeper: &Keeper, is_legacy: bool) -> Result<Object, ApiError> {
    match serde_json::to_value(Completion::of(response, &keeper.id, is_legacy)) {
        Ok(serde_json::Value::Object(completion)) => Ok(completion),
        Ok(_) | Err(_) => Err(ApiError::internal()),
    }
}

/// Writes the events of a turn as chunks.
struct Chunks {
    outlet: Outlet,
    writer: ChunkWriter,
}

impl Sink for Chunks {
    async fn send(&mut self, event: Event) {
        self.outlet.put(|out| self.writer.write(out, &event));
        self.outlet.room().await;
    }

    fn keep_alive(&mut self) {
        self.outlet.put(|out| out.put_slice(encode::KEEP_ALIVE));
    }

    fn end(&mut self) {
        self.outlet.put(|out| out.put_slice(encode::DONE));
    }
}
