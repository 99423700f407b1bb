//! What every backend must do.

pub(crate) mod approvals;
pub(crate) mod completions;
pub(crate) mod images;
pub(crate) mod responses;
