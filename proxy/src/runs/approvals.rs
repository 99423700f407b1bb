//! Calls that wait for the caller's approval: what is kept of a request, and whether an answer may be acted on.
//!
//! A request is found by a digest of its id, and its call is compared by a hash that is keyed with the id itself. The id is
//! 144 random bits that only the caller holds where the response is not stored, so that rows without a call give nothing
//! away, and no key has to be kept.

use std::collections::BTreeMap;

use agent::tool::{Approved, Server};
use protocol::error::ApiError;
use protocol::id::Tenant;
use protocol::responses::item::{Item, McpApprovalRequest, McpApprovalResponse, Role};
use protocol::responses::response::{Response, Status};
use store::{Approvals, NewApproval, PendingCall};

use crate::error::from_store;

/// The most answers that one turn acts on.
const MOST: usize = 128;
/// Seconds for which a request can be answered.
const KEPT: i64 = 24 * 60 * 60;

/// The answers of a turn and what they refer to.
pub struct Answers<'a> {
    pub tenant: &'a Tenant,
    pub history: &'a [Item],
    pub input: &'a [Item],
    /// The servers of the request.
    pub servers: &'a [Server],
    pub now: i64,
}

/// An answer that refers to a request as it was made.
struct Checked {
    id: String,
    call: Option<Approved>,
}

/// What is kept of the requests of a response that has ended; none of one that failed.
pub fn requested(response: &Response, now: i64) -> Vec<NewApproval> {
    if !matches!(response.status, Status::Completed | Status::Incomplete) {
        return Vec::new();
    }
    let requests = response.output.iter().filter_map(match_request);
    requests.map(|request| new_approval(request, response.store, now)).collect()
}

fn match_request(item: &Item) -> Option<&McpApprovalRequest> {
    if let Item::McpApprovalRequest(request) = item { Some(request) } else { None }
}

fn new_approval(request: &McpApprovalRequest, is_stored: bool, now: i64) -> NewApproval {
    let call = call_of(request);
    let hash = hash(&request.id, &call);
    let (call, expires_at) = (is_stored.then_some(call), now.saturating_add(KEPT));
    NewApproval { id: key(&request.id), call, hash, created_at: now, expires_at }
}

/// Takes the answers of the turn's own input and returns the calls that were approved. What was approved is used up.
///
/// Errors: 400 for an answer to a request that is unknown, foreign, old, answered or edited, and for an approval whose
/// server the request does not name; nothing is used up then. 503 if the store is down.
pub async fn answered(approvals: &dyn Approvals, answers: &Answers<'_>) -> Result<Vec<Approved>, ApiError> {
    let (mut checked, later) = (Vec::new(), Later::of(answers.input));
    for (index, item) in answers.input.iter().enumerate() {
        if let Item::McpApprovalResponse(answer) = item
            && !later.shows(index, answer)
        {
            if checked.len() == MOST {
                return Err(too_many(index));
            }
            checked.push((index, answers.check(approvals, index, answer).await?));
        }
    }
    if checked.is_empty() {
        return Ok(Vec::new());
    }
    let ids = checked.iter().map(|(_, answer)| answer.id.clone()).collect();
    let taken = approvals.take(answers.tenant, ids, answers.now).await;
    match (taken.map_err(|error| from_store(&error))?, checked.first()) {
        (false, Some((index, _))) => Err(unknown(*index)),
        _ => Ok(checked.into_iter().filter_map(|(_, answer)| answer.call).collect()),
    }
}

/// Where in the input the last of what may have come of an answer stands.
struct Later<'a> {
    /// Calls, by the request that they were approved by.
    calls: BTreeMap<&'a str, usize>,
    said: Option<usize>,
}

impl<'a> Later<'a> {
    fn of(input: &'a [Item]) -> Self {
        let call = |(index, item): (usize, &'a Item)| {
            let Item::McpCall(call) = item else { return None };
            Some((call.approval_request_id.as_deref()?, index))
        };
        let calls = input.iter().enumerate().filter_map(call).collect();
        Self { calls, said: input.iter().rposition(is_of_model) }
    }

    /// True for an answer that was acted on in an earlier turn and is sent again with all that came of it.
    ///
    /// It is never acted on, so that a caller gains nothing by writing such items.
    fn shows(&self, index: usize, answer: &McpApprovalResponse) -> bool {
        let ran = || self.calls.get(answer.approval_request_id.as_str()).copied();
        let last = if answer.approve { ran() } else { self.said };
        last.is_some_and(|last| last > index)
    }
}

impl Answers<'_> {
    async fn check(
        &self,
        approvals: &dyn Approvals,
        index: usize,
        answer: &McpApprovalResponse,
    ) -> Result<Checked, ApiError> {
        let request_id = &answer.approval_request_id;
        let id = key(request_id);
        let found = approvals.get(self.tenant, &id, self.now).await.map_err(|error| from_store(&error))?;
        let stored = found.ok_or_else(|| unknown(index))?;
        let shown = self.request(request_id).map(call_of);
        let call = stored.call.or_else(|| shown.clone()).ok_or_else(|| absent(index, request_id))?;
        if hash(request_id, &call) != stored.hash || shown.is_some_and(|shown| shown != call) {
            return Err(edited(index, request_id));
        }
        if answer.approve && self.servers.iter().all(|server| server.label != call.server_label) {
            return Err(not_offered(&call.server_label));
        }
        let PendingCall { server_label, name, arguments } = call;
        let call = Approved { request_id: request_id.clone(), server_label, name, arguments };
        Ok(Checked { id, call: answer.approve.then_some(call) })
    }

    fn request(&self, id: &str) -> Option<&McpApprovalRequest> {
        self.history.iter().chain(self.input).filter_map(match_request).find(|request| request.id == id)
    }
}

fn call_of(request: &McpApprovalRequest) -> PendingCall {
    PendingCall {
        server_label: request.server_label.clone(),
        name: request.name.clone(),
        arguments: request.arguments.clone(),
    }
}

/// What only a model or a server-run call leaves behind.
fn is_of_model(item: &Item) -> bool {
    match item {
        Item::Message(message) => message.role == Role::Assistant,
        Item::FunctionCall(_)
        | Item::CustomToolCall(_)
        | Item::Reasoning(_)
        | Item::FileSearchCall(_)
        | Item::WebSearchCall(_)
        | Item::ImageGenerationCall(_)
        | Item::McpCall(_)
        | Item::McpApprovalRequest(_) => true,
        Item::FunctionCallOutput(_)
        | Item::CustomToolCallOutput(_)
        | Item::McpListTools(_)
        | Item::McpApprovalResponse(_)
        | Item::Compaction(_)
        | Item::Reference(_)
        | Item::Other(_) => false,
    }
}

/// What a request is found by.
fn key(request_id: &str) -> String {
    digest("fairlead.dev approvals: where a request is kept", request_id).to_hex().to_string()
}

/// Tells whether a call is the one that was asked about. Lengths keep fields apart.
fn hash(request_id: &str, call: &PendingCall) -> String {
    let key = digest("fairlead.dev approvals: which call was asked about", request_id);
    let mut hasher = blake3::Hasher::new_keyed(key.as_bytes());
    for field in [&call.server_label, &call.name, &call.arguments] {
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

fn digest(purpose: &str, request_id: &str) -> blake3::Hash {
    blake3::Hash::from_bytes(blake3::derive_key(purpose, request_id.as_bytes()))
}

fn param(index: usize) -> String {
    format!("input[{index}].approval_request_id")
}

/// The same for every id that cannot be answered, whatever the reason.
fn unknown(index: usize) -> ApiError {
    ApiError::invalid_value(
        &param(index),
        "no approval request with this ID is open. It may be older than 24 hours, or answered.",
    )
}

fn too_many(index: usize) -> ApiError {
    ApiError::invalid_value(
        &param(index),
        &format!("more than {MOST} approval requests are answered at once."),
    )
}

fn edited(index: usize, id: &str) -> ApiError {
    let why = format!("the call of approval request '{id}' is not the one that was asked about.");
    ApiError::invalid_value(&param(index), &why)
}

fn absent(index: usize, id: &str) -> ApiError {
    let why = format!("approval request '{id}' is not stored; send its 'mcp_approval_request' item along.");
    ApiError::invalid_value(&param(index), &why)
}

fn not_offered(server_label: &str) -> ApiError {
    let why =
        format!("the approved call needs the MCP server '{server_label}', which is not among the tools.");
    ApiError::invalid_value("tools", &why)
}

#[cfg(test)]
mod tests;
