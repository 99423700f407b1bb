//! Objects as rows: everything is encoded on the caller's side, so that the writer only moves text.

use protocol::id::Tenant;
use protocol::responses::item::Item;
use serde::Serialize;

use crate::approvals::NewApproval;
use crate::completions::NewCompletion;
use crate::error::Error;
use crate::images::{Lifted, lift};
use crate::responses::NewResponse;

/// Whether an item went into a turn or came out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Input,
    Output,
}

impl Direction {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }
}

/// A response and its items.
#[derive(Debug)]
pub(crate) struct ResponseRows {
    pub(crate) tenant: Tenant,
    pub(crate) id: String,
    pub(crate) previous_id: Option<String>,
    pub(crate) status: &'static str,
    pub(crate) model: String,
    pub(crate) created_at: i64,
    pub(crate) expires_at: Option<i64>,
    /// The response with an empty output.
    pub(crate) body: String,
    pub(crate) items: Vec<ItemRow>,
    pub(crate) approvals: Vec<ApprovalRow>,
}

/// A request for an approval.
#[derive(Debug)]
pub(crate) struct ApprovalRow {
    pub(crate) tenant: Tenant,
    pub(crate) id: String,
    pub(crate) response_id: Option<String>,
    pub(crate) call: Option<String>,
    pub(crate) hash: String,
    pub(crate) created_at: i64,
    pub(crate) expires_at: i64,
}

/// An item; its position is its place in the list.
#[derive(Debug)]
pub(crate) struct ItemRow {
    pub(crate) direction: Direction,
    pub(crate) item_id: Option<String>,
    pub(crate) kind: String,
    pub(crate) body: String,
    pub(crate) images: Vec<Lifted>,
}

/// A chat completion.
#[derive(Debug)]
pub(crate) struct CompletionRow {
    pub(crate) tenant: Tenant,
    pub(crate) id: String,
    pub(crate) created_at: i64,
    pub(crate) expires_at: Option<i64>,
    pub(crate) model: String,
    pub(crate) metadata: String,
    pub(crate) body: String,
    pub(crate) messages: String,
    pub(crate) pairs: Vec<(String, String)>,
}

impl ResponseRows {
    pub(crate) fn new(tenant: &Tenant, stored: NewResponse) -> Result<Self, Error> {
        let NewResponse { mut response, input, expires_at, approvals } = stored;
        let output = std::mem::take(&mut response.output);
        let body = encode(&response)?;
        let mut items = Vec::with_capacity(input.len() + output.len());
        for (direction, list) in [(Direction::Input, input), (Direction::Output, output)] {
            for item in list {
                items.push(ItemRow::new(direction, item)?);
            }
        }
        let approval = |request| ApprovalRow::new(tenant, Some(&response.id), request);
        let approvals = approvals.into_iter().map(approval).collect::<Result<_, _>>()?;
        Ok(Self {
            tenant: tenant.clone(),
            approvals,
            id: response.id,
            previous_id: response.previous_response_id,
            status: response.status.as_str(),
            model: response.model,
            created_at: response.created_at,
            expires_at,
            body,
            items,
        })
    }

    /// About how much text there is, for the bounds of a group.
    pub(crate) fn size_bytes(&self) -> usize {
        self.body.len() + self.items.iter().map(ItemRow::size_bytes).sum::<usize>()
    }
}

impl ItemRow {
    fn new(direction: Direction, mut item: Item) -> Result<Self, Error> {
        let item_id = Some(item.id()).filter(|id| !id.is_empty()).map(str::to_owned);
        let images = if item_id.is_some() { lift(&mut item) } else { Vec::new() };
        Ok(Self { direction, item_id, kind: item.kind().to_owned(), body: encode(&item)?, images })
    }

    fn size_bytes(&self) -> usize {
        self.body.len() + self.images.iter().map(|(_, image)| image.len()).sum::<usize>()
    }
}

impl ApprovalRow {
    pub(crate) fn new(tenant: &Tenant, response_id: Option<&str>, new: NewApproval) -> Result<Self, Error> {
        Ok(Self {
            tenant: tenant.clone(),
            response_id: response_id.map(str::to_owned),
            call: new.call.as_ref().map(encode).transpose()?,
            id: new.id,
            hash: new.hash,
            created_at: new.created_at,
            expires_at: new.expires_at,
        })
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.call.as_ref().map_or(0, String::len)
    }
}

impl CompletionRow {
    pub(crate) fn new(tenant: &Tenant, stored: NewCompletion) -> Result<Self, Error> {
        Ok(Self {
            tenant: tenant.clone(),
            created_at: stored.created,
            expires_at: stored.expires_at,
            metadata: encode(&stored.metadata)?,
            body: encode(&stored.body)?,
            messages: encode(&stored.messages)?,
            pairs: stored.metadata.into_iter().collect(),
            id: stored.id,
            model: stored.model,
        })
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.body.len() + self.messages.len()
    }
}

/// JSON text; U+0000 stands in it as an escape, which both databases keep.
pub(crate) fn encode(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(Error::encode)
}
