//! After a run: stamp the response, store it, and only then let anyone know that it is complete.

use std::time::Duration;

use agent::finished::Finished;
use protocol::error::{ApiError, SERVER_ERROR};
use protocol::id::Tenant;
use protocol::responses::event::Event;
use protocol::responses::item::{Item, ItemStatus};
use protocol::responses::response::Status;
use protocol::responses::usage::Usage;
use serde_json::json;
use store::NewResponse;

use crate::app::{App, Request};
use crate::error::from_store;
use crate::runs::approvals::requested;
use crate::runs::measure;
use crate::runs::resolve::Prepared;

/// What a finished run leaves behind.
pub struct Record {
    tenant: Tenant,
    input: Vec<Item>,
    /// Characters that the model read, for upstreams that do not count.
    read_chars: usize,
    label: String,
    /// Seconds for which it is kept.
    kept: Option<i64>,
}

impl Record {
    /// Keeps what the store will need.
    pub fn new(request: &Request, prepared: &Prepared) -> Self {
        let items = prepared.turn.history.iter().chain(&prepared.input);
        let read_chars = items.map(measure::length).sum::<usize>()
            + prepared.turn.response.instructions.as_ref().map_or(0, String::len);
        let (tenant, input) = (request.caller.tenant.clone(), prepared.input.clone());
        let kept = request.runtime.settings.kept_seconds();
        Self { tenant, input, read_chars, label: prepared.resolution.label.clone(), kept }
    }

    /// Stamps and stores; of a response that is not stored, what its requests for approval need. One that was to be stored and could not be becomes a failed one; its `error` event
    /// goes before the terminal event.
    pub async fn conclude(&self, app: &App, finished: &mut Finished) -> Option<Event> {
        self.stamp(app, finished);
        let now = app.clock.now();
        let approvals = requested(&finished.response, now);
        let stored = if finished.response.store {
            let expires_at = self.kept.map(|kept| now.saturating_add(kept));
            let (response, input) = (finished.response.clone(), self.input.clone());
            let stored = NewResponse { response, input, expires_at, approvals };
            app.store.responses.put(&self.tenant, stored).await
        } else if approvals.is_empty() {
            Ok(())
        } else {
            app.store.approvals.put(&self.tenant, approvals).await
        };
        match stored {
            Ok(()) => None,
            Err(error) => Some(finished.store_failed(from_store(&error))),
        }
    }

    /// What a buffered caller is told when the response could not be stored. Clients repeat such a request by themselves,
    /// which they must not where tools have run.
    pub fn unavailable(&self, finished: &Finished) -> ApiError {
        let message = "The response could not be stored. Please try again.";
        let error = ApiError::new(503, SERVER_ERROR, message);
        let has_acted = finished.response.output.iter().any(acts);
        if has_acted {
            error.with_should_retry(false)
        } else {
            error.with_retry_after(Duration::from_secs(1))
        }
    }

    /// Completes what only the driver knows: times, tier, and token counts that no upstream sent.
    pub fn stamp(&self, app: &App, finished: &mut Finished) {
        let response = &mut finished.response;
        if response.status == Status::Completed {
            response.completed_at = Some(app.clock.now());
        }
        if response.service_tier == "auto" {
            "default".clone_into(&mut response.service_tier);
        }
        response.rest.insert("billing".to_owned(), json!({"payer": "developer"}));
        let searches = response.output.iter().filter(|item| is_search(item)).count();
        if searches > 0 {
            let usage = response.rest.entry("tool_usage").or_insert_with(|| json!({}));
            if let Some(usage) = usage.as_object_mut() {
                usage.insert("web_search".to_owned(), json!({"num_requests": searches}));
            }
        }
        let silent = finished.model_usage.total_tokens == 0;
        if silent && response.status != Status::Failed {
            let wrote = response.output.iter().map(measure::length).sum::<usize>();
            // What tools counted is there.
            let usage = response.usage.get_or_insert_default();
            *usage += Usage::new(tokens(self.read_chars), tokens(wrote));
            app.metrics.estimated(&self.label);
        }
    }
}

/// What was done for it is done, or was paid for.
fn acts(item: &Item) -> bool {
    let is_code = |kind: &str| kind == "code_interpreter_call";
    matches!(item, Item::McpCall(_) | Item::ImageGenerationCall(_)) || is_code(item.kind())
}

/// A search in the web that was made; to open a page is none.
fn is_search(item: &Item) -> bool {
    let Item::WebSearchCall(call) = item else { return false };
    call.status == ItemStatus::Completed && call.action.get("type").is_some_and(|kind| kind == "search")
}

/// Four characters are about one token of English.
fn tokens(chars: usize) -> u64 {
    u64::try_from(chars.div_ceil(4)).unwrap_or(u64::MAX)
}
