//! What the status of an object says: pure, from what the compiler found and what proxies acknowledged.

pub(crate) mod conditions;
pub(crate) mod events;
pub(crate) mod listed;
pub(crate) mod write;
