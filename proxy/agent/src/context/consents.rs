//! What became of the calls that the client was asked about.

use std::collections::{HashMap, HashSet};

use protocol::responses::item::Item;

use crate::tool::Approved;

/// What the model is told of a call that the client let nobody run.
const UNANSWERED: &str = "Not executed: the user has not approved this call.";

/// The answers of a context, by the ids of the requests.
pub(super) struct Consents {
    answers: HashMap<String, (bool, Option<String>)>,
    /// Calls that ran or are about to run.
    ran: HashSet<String>,
}

impl Consents {
    /// Of several answers to one request the first counts.
    pub(super) fn of<'a>(items: impl Iterator<Item = &'a Item>, approved: &[Approved]) -> Self {
        let mut answers = HashMap::new();
        let mut ran: HashSet<String> = approved.iter().map(|call| call.request_id.clone()).collect();
        for item in items {
            if let Item::McpApprovalResponse(answer) = item {
                let said = (answer.approve, answer.reason.clone());
                answers.entry(answer.approval_request_id.clone()).or_insert(said);
            } else if let Item::McpCall(call) = item {
                ran.extend(call.approval_request_id.clone());
            }
        }
        Self { answers, ran }
    }

    /// What the model is told where the client was asked; `None` if the call itself tells.
    pub(super) fn told(&self, request_id: &str) -> Option<String> {
        if self.ran.contains(request_id) {
            return None;
        }
        Some(match self.answers.get(request_id) {
            None => UNANSWERED.to_owned(),
            Some((true, _)) => super::UNKNOWN.to_owned(),
            Some((false, None)) => "Not executed: the user denied this call.".to_owned(),
            Some((false, Some(reason))) => {
                format!("Not executed: the user denied this call. Reason: {reason}")
            }
        })
    }
}
