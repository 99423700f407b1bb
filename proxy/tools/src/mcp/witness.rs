//! Who is told what became of what a server was asked.

use std::fmt;

use super::catalog::Catalog;
use super::failure::Failure;

/// Hears what becomes of the requests to a server. What a cache answered is no request, and neither is what was dropped before
/// its end. It is called where the request is made, so it must not block.
pub trait Witness: fmt::Debug + Send + Sync {
    /// The server has listed its tools.
    fn listed(&self, catalog: &Catalog);

    /// The tools could not be had.
    fn unlisted(&self, failure: &Failure);

    /// The server has answered a call; the tool itself may have failed.
    fn answered(&self);

    /// There was no result of a call.
    fn unanswered(&self, failure: &Failure);
}
