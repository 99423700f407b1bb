//! The port to stored responses.

use async_trait::async_trait;
use protocol::id::Tenant;
use protocol::page::Page;
use protocol::responses::item::Item;
use protocol::responses::response::{Response, Status};

use crate::approvals::NewApproval;
use crate::error::Error;
use crate::listed::Listed;

/// A response to be stored.
#[derive(Clone, Debug)]
pub struct NewResponse {
    /// The response with its output; `previous_response_id` links it to its chain.
    pub response: Response,
    /// The turn's own input, every item with an id.
    pub input: Vec<Item>,
    /// Seconds since 1970; from then on the response is unknown. `None` keeps it.
    pub expires_at: Option<i64>,
    /// The calls that the response asks the client to approve.
    pub approvals: Vec<NewApproval>,
}

/// What a chain of responses holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Chain {
    /// Every response of the chain is there.
    Found {
        /// Oldest turn first, of each turn its input and then its output. Of a failed or cancelled turn only
        /// finished items.
        items: Vec<Item>,
        /// The newest response's status.
        status: Status,
        /// The newest response's model.
        model: String,
        /// How many responses the chain has.
        turns: usize,
    },
    /// The response or one before it is unknown, deleted or expired, or the chain is longer than 10 000 responses.
    NotFound,
}

/// Stored responses. `now` and all times are seconds since 1970.
///
/// Errors: all but [`Error::UnknownCursor`] are faults of the store; see [`Error::is_transient`]. Cancellation: a
/// dropped call may or may not have been done.
#[async_trait]
pub trait Responses: Send + Sync {
    /// Stores a response in one transaction; it is durable when this returns.
    ///
    /// Errors: [`Error::Exists`] if the tenant has a response with this id.
    async fn put(&self, tenant: &Tenant, stored: NewResponse) -> Result<(), Error>;

    /// Reads a response with its output and its images.
    async fn get(&self, tenant: &Tenant, id: &str, now: i64) -> Result<Option<Response>, Error>;

    /// Reads a response and all before it, in one query. Of images there is the mark `KEPT_IMAGE`.
    async fn chain(&self, tenant: &Tenant, id: &str, now: i64) -> Result<Chain, Error>;

    /// Deletes a response with its items; false if there is none.
    async fn delete(&self, tenant: &Tenant, id: &str) -> Result<bool, Error>;

    /// Lists the context of a response: the items of the chain before it, then its own input, each id once. Neither
    /// its output nor compaction items. `None` if the response is unknown or its chain is broken.
    ///
    /// Errors: [`Error::UnknownCursor`] if a cursor of the page is not in the list.
    async fn input_items(
        &self,
        tenant: &Tenant,
        id: &str,
        page: &Page,
        now: i64,
    ) -> Result<Option<Listed<Item>>, Error>;

    /// Reads an item of any stored response. Of images there is the mark `KEPT_IMAGE`.
    async fn item(&self, tenant: &Tenant, item_id: &str, now: i64) -> Result<Option<Item>, Error>;

    /// Reads the image of an `image_generation_call` of any stored response, in Base64.
    async fn image(&self, tenant: &Tenant, item_id: &str, now: i64) -> Result<Option<String>, Error>;

    /// Deletes at most `limit` expired responses of all tenants and returns how many.
    async fn expire(&self, now: i64, limit: u32) -> Result<u64, Error>;
}
