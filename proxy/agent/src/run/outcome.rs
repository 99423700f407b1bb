//! How a run ends.

use protocol::responses::response::{IncompleteDetails, Response, Status};

use crate::finished;
use crate::model::ModelError;

/// How a run ends.
pub(super) enum Outcome {
    Completed,
    Incomplete { reason: &'static str, limit: Option<&'static str> },
    Failed(ModelError),
    Cancelled,
}

impl Outcome {
    /// Writes the end into the response; returns why it failed.
    pub(super) fn apply(self, response: &mut Response) -> Option<ModelError> {
        match self {
            Self::Completed => response.status = Status::Completed,
            Self::Cancelled => response.status = Status::Cancelled,
            Self::Incomplete { reason, limit } => {
                response.status = Status::Incomplete;
                let (reason, limit) = (reason.to_owned(), limit.map(str::to_owned));
                response.incomplete_details = Some(IncompleteDetails { reason, limit });
            }
            Self::Failed(error) => {
                response.status = Status::Failed;
                response.error = Some(finished::response_error(&error.error));
                return Some(error);
            }
        }
        None
    }
}
