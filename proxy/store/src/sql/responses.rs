//! Responses in SQL.

use async_trait::async_trait;
use protocol::id::Tenant;
use protocol::page::Page;
use protocol::responses::item::Item;
use protocol::responses::response::Response;
use sqlx::AnyPool;

use crate::error::Error;
use crate::images::inline;
use crate::listed::{Listed, cut};
use crate::responses::{Chain, NewResponse, Responses};
use crate::sql::chain::{self, Turn};
use crate::sql::read::{decode, decode_list, in_time};
use crate::sql::rows::ResponseRows;
use crate::sql::write::{Table, Write};
use crate::sql::writer::Queue;
use crate::sql::{expiry, images};

/// The response and its output as one JSON list without brackets: one row, whatever its size.
const GET: &str = "SELECT r.body, (SELECT string_agg(i.body, ',' ORDER BY i.position) FROM items i
        WHERE i.tenant = r.tenant AND i.response_id = r.id AND i.direction = 'output')
    FROM responses r WHERE r.tenant = $1 AND r.id = $2 AND (r.expires_at IS NULL OR r.expires_at > $3)";

/// An id may stand in several turns; the first of them tells what it is.
const ITEM: &str =
    "SELECT i.body FROM items i JOIN responses r ON r.tenant = i.tenant AND r.id = i.response_id
    WHERE i.tenant = $1 AND i.item_id = $2 AND (r.expires_at IS NULL OR r.expires_at > $3)
    ORDER BY r.created_at, r.id, i.position LIMIT 1";

/// Images that are deleted at once, some MB each.
const EXPIRED_IMAGES: u32 = 16;

pub(crate) struct SqlResponses {
    readers: AnyPool,
    queue: Queue,
}

impl SqlResponses {
    pub(crate) fn new(readers: AnyPool, queue: Queue) -> Self {
        Self { readers, queue }
    }
}

#[async_trait]
impl Responses for SqlResponses {
    async fn put(&self, tenant: &Tenant, stored: NewResponse) -> Result<(), Error> {
        let rows = ResponseRows::new(tenant, stored)?;
        self.queue.write(Write::Response(Box::new(rows))).await?;
        Ok(())
    }

    async fn get(&self, tenant: &Tenant, id: &str, now: i64) -> Result<Option<Response>, Error> {
        let query =
            sqlx::query_as::<_, (String, Option<String>)>(GET).bind(tenant.as_str()).bind(id).bind(now);
        let Some((body, output)) = in_time(query.fetch_optional(&self.readers)).await? else {
            return Ok(None);
        };
        let mut response: Response = decode(&body)?;
        response.output = decode_list(output)?;
        images::fill(&self.readers, (tenant, id), &mut response.output, now).await?;
        Ok(Some(response))
    }

    async fn chain(&self, tenant: &Tenant, id: &str, now: i64) -> Result<Chain, Error> {
        let turns: Vec<Turn> = in_time(chain::turns(tenant, id, now).fetch_all(&self.readers)).await?;
        chain::fold(turns)
    }

    async fn delete(&self, tenant: &Tenant, id: &str) -> Result<bool, Error> {
        let write = Write::Delete { from: Table::Responses, tenant: tenant.clone(), id: id.to_owned() };
        Ok(self.queue.write(write).await? > 0)
    }

    async fn input_items(
        &self,
        tenant: &Tenant,
        id: &str,
        page: &Page,
        now: i64,
    ) -> Result<Option<Listed<Item>>, Error> {
        let context = chain::context(tenant, id, now);
        let rows = in_time(context.fetch_all(&self.readers)).await?;
        let Some(list) = chain::list(rows) else { return Ok(None) };
        let cut = cut(list, page, |entry| &entry.item_id)?;
        let mut items = cut.items.iter().map(|entry| decode(&entry.body)).collect::<Result<Vec<_>, _>>()?;
        images::fill(&self.readers, (tenant, id), &mut items, now).await?;
        Ok(Some(Listed { items, has_more: cut.has_more }))
    }

    async fn item(&self, tenant: &Tenant, item_id: &str, now: i64) -> Result<Option<Item>, Error> {
        let query = sqlx::query_scalar::<_, String>(ITEM).bind(tenant.as_str()).bind(item_id).bind(now);
        let body = in_time(query.fetch_optional(&self.readers)).await?;
        body.map(|body| decode(&body)).transpose()
    }

    async fn image(&self, tenant: &Tenant, item_id: &str, now: i64) -> Result<Option<String>, Error> {
        match images::get(&self.readers, (tenant, ""), item_id, now).await? {
            Some(image) => Ok(Some(image)),
            None => Ok(self.item(tenant, item_id, now).await?.and_then(inline)),
        }
    }

    async fn expire(&self, now: i64, limit: u32) -> Result<u64, Error> {
        let (queue, responses) = (&self.queue, i64::from(limit));
        let images = |limit: u32| queue.write(Write::ExpireImages { now, responses, limit: limit.into() });
        // With their images, which go in statements of their own, responses are too large to go by hundreds.
        while expiry::gently(EXPIRED_IMAGES, images).await? > 0 {}
        expiry::gently(limit, |limit| {
            queue.write(Write::Expire { from: Table::Responses, now, limit: limit.into() })
        })
        .await
    }
}
