//! What every backend must do.

pub(crate) mod completions;
pub(crate) mod responses;
