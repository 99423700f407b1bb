//! The port to stored chat completions.

use async_trait::async_trait;
use protocol::Object;
use protocol::id::Tenant;
use protocol::page::Page;
use protocol::responses::response::Metadata;

use crate::error::Error;
use crate::listed::Listed;

/// A chat completion to be stored.
#[derive(Clone, Debug, Default)]
pub struct NewCompletion {
    /// `chatcmpl-…`.
    pub id: String,
    /// Seconds since 1970.
    pub created: i64,
    /// The model that answered.
    pub model: String,
    /// What lists are filtered by.
    pub metadata: Metadata,
    /// The completion object; its `metadata` is replaced when it is read.
    pub body: Object,
    /// The messages of the request in order, each with its `id`.
    pub messages: Vec<Object>,
    /// Seconds since 1970; from then on the completion is unknown. `None` keeps it.
    pub expires_at: Option<i64>,
}

/// Which completions a list holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompletionFilter {
    /// Only of this model.
    pub model: Option<String>,
    /// Only with all these pairs.
    pub metadata: Metadata,
}

/// Stored chat completions. `now` and all times are seconds since 1970.
///
/// Errors: all but [`Error::UnknownCursor`] are faults of the store; see [`Error::is_transient`].
#[async_trait]
pub trait Completions: Send + Sync {
    /// Stores a completion in one transaction; it is durable when this returns.
    ///
    /// Errors: [`Error::Exists`] if the tenant has a completion with this id.
    async fn put(&self, tenant: &Tenant, stored: NewCompletion) -> Result<(), Error>;

    /// Reads a completion with its metadata.
    async fn get(&self, tenant: &Tenant, id: &str, now: i64) -> Result<Option<Object>, Error>;

    /// Lists completions by time of creation, ties by id.
    ///
    /// Errors: [`Error::UnknownCursor`] if a cursor names no completion of the tenant; it need not pass the filter.
    async fn list(
        &self,
        tenant: &Tenant,
        filter: &CompletionFilter,
        page: &Page,
        now: i64,
    ) -> Result<Listed<Object>, Error>;

    /// Replaces the metadata; false if there is no such completion.
    async fn update_metadata(
        &self,
        tenant: &Tenant,
        id: &str,
        metadata: &Metadata,
        now: i64,
    ) -> Result<bool, Error>;

    /// Deletes a completion; false if there is none.
    async fn delete(&self, tenant: &Tenant, id: &str) -> Result<bool, Error>;

    /// Lists the messages of the request in their order; `None` if there is no such completion.
    ///
    /// Errors: [`Error::UnknownCursor`] if a cursor names no message of it.
    async fn messages(
        &self,
        tenant: &Tenant,
        id: &str,
        page: &Page,
        now: i64,
    ) -> Result<Option<Listed<Object>>, Error>;

    /// Deletes at most `limit` expired completions of all tenants and returns how many.
    async fn expire(&self, now: i64, limit: u32) -> Result<u64, Error>;
}
