//! How configuration reaches proxies: one stream for each, and what they report.

pub(crate) mod fleet;
pub(crate) mod hub;
pub(crate) mod identity;
pub(crate) mod server;
mod stream;
