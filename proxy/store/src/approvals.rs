//! The port to calls that wait for an approval.

use async_trait::async_trait;
use protocol::id::Tenant;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A call of an MCP tool as the model wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingCall {
    /// The server.
    pub server_label: String,
    /// The tool's own name.
    pub name: String,
    /// A JSON text.
    pub arguments: String,
}

/// A request for an approval, to be stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewApproval {
    /// What it is found by.
    pub id: String,
    /// The call; `None` if the client keeps it.
    pub call: Option<PendingCall>,
    /// Tells whether a call is the one that was asked about.
    pub hash: String,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Seconds since 1970; from then on the request is unknown.
    pub expires_at: i64,
}

/// A request that can still be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The response that asked, if it is stored.
    pub response_id: Option<String>,
    /// The call, unless the client keeps it.
    pub call: Option<PendingCall>,
    /// As it was stored.
    pub hash: String,
}

/// Calls that wait for an approval. Those of a stored response are stored with it and go with it.
///
/// `now` and all times are seconds since 1970. Errors: faults of the store; see [`Error::is_transient`].
#[async_trait]
pub trait Approvals: Send + Sync {
    /// Stores requests of a response that is not stored; they are durable when this returns.
    ///
    /// Errors: [`Error::Exists`] if the tenant has a request with one of these ids; none is stored then.
    async fn put(&self, tenant: &Tenant, requests: Vec<NewApproval>) -> Result<(), Error>;

    /// Reads a request that was not answered and is not old.
    async fn get(&self, tenant: &Tenant, id: &str, now: i64) -> Result<Option<Approval>, Error>;

    /// Takes requests, all or none: of several callers who take the same one, exactly one gets it. False if one of them is
    /// unknown, old or taken, or named twice.
    ///
    /// Cancellation: a dropped call may or may not have taken them.
    async fn take(&self, tenant: &Tenant, ids: Vec<String>, now: i64) -> Result<bool, Error>;

    /// Deletes at most `limit` old requests of all tenants and returns how many.
    async fn expire(&self, now: i64, limit: u32) -> Result<u64, Error>;
}
