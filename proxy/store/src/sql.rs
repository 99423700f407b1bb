//! One SQL text for SQLite and PostgreSQL, through `sqlx::Any`. Columns are TEXT and BIGINT.

pub(crate) mod approvals;
pub(crate) mod chain;
pub(crate) mod checkpoint;
pub(crate) mod completions;
pub(crate) mod expiry;
pub(crate) mod group;
pub(crate) mod images;
pub(crate) mod insert;
pub(crate) mod pool;
pub(crate) mod read;
pub(crate) mod responses;
pub(crate) mod rows;
pub(crate) mod statement;
pub(crate) mod write;
pub(crate) mod writer;
