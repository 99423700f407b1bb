//! Chat completions in SQL.

use async_trait::async_trait;
use protocol::Object;
use protocol::id::Tenant;
use protocol::page::{Order, Page};
use protocol::responses::response::Metadata;
use sqlx::AnyPool;

use crate::completions::{CompletionFilter, Completions, NewCompletion};
use crate::error::Error;
use crate::listed::{Listed, cut};
use crate::sql::expiry;
use crate::sql::read::{decode, id_of, in_time};
use crate::sql::rows::{CompletionRow, encode};
use crate::sql::statement::Statement;
use crate::sql::write::{NewMetadata, Table, Write};
use crate::sql::writer::Queue;

const GET: &str = "SELECT body, metadata FROM completions
    WHERE tenant = $1 AND id = $2 AND (expires_at IS NULL OR expires_at > $3)";
const MESSAGES: &str = "SELECT messages FROM completions
    WHERE tenant = $1 AND id = $2 AND (expires_at IS NULL OR expires_at > $3)";
const CREATED: &str = "SELECT created_at FROM completions
    WHERE tenant = $1 AND id = $2 AND (expires_at IS NULL OR expires_at > $3)";

pub(crate) struct SqlCompletions {
    readers: AnyPool,
    queue: Queue,
}

/// Where a cursor stands: time of creation and id.
type Place = (i64, String);

/// Which part of the list is read, and in which direction.
struct Span {
    after: Option<Place>,
    before: Option<Place>,
    ascending: bool,
}

impl SqlCompletions {
    pub(crate) fn new(readers: AnyPool, queue: Queue) -> Self {
        Self { readers, queue }
    }

    async fn place(
        &self,
        tenant: &Tenant,
        (param, cursor): (&'static str, Option<&String>),
        now: i64,
    ) -> Result<Option<Place>, Error> {
        let Some(id) = cursor else { return Ok(None) };
        let query = sqlx::query_scalar::<_, i64>(CREATED).bind(tenant.as_str()).bind(id).bind(now);
        match in_time(query.fetch_optional(&self.readers)).await? {
            Some(created) => Ok(Some((created, id.clone()))),
            None => Err(Error::UnknownCursor { param, id: id.clone() }),
        }
    }
}

#[async_trait]
impl Completions for SqlCompletions {
    async fn put(&self, tenant: &Tenant, stored: NewCompletion) -> Result<(), Error> {
        let row = CompletionRow::new(tenant, stored)?;
        self.queue.write(Write::Completion(Box::new(row))).await?;
        Ok(())
    }

    async fn get(&self, tenant: &Tenant, id: &str, now: i64) -> Result<Option<Object>, Error> {
        let query = sqlx::query_as::<_, (String, String)>(GET).bind(tenant.as_str()).bind(id).bind(now);
        let row = in_time(query.fetch_optional(&self.readers)).await?;
        row.map(|row| object(&row)).transpose()
    }

    async fn list(
        &self,
        tenant: &Tenant,
        filter: &CompletionFilter,
        page: &Page,
        now: i64,
    ) -> Result<Listed<Object>, Error> {
        let after = self.place(tenant, ("after", page.after.as_ref()), now).await?;
        let before = self.place(tenant, ("before", page.before.as_ref()), now).await?;
        // `before` alone is the page that ends there: it is read backwards and turned round.
        let backwards = before.is_some() && after.is_none();
        let span = Span { after, before, ascending: (page.order == Order::Asc) != backwards };
        let mut query = select(tenant, now, filter);
        span.bound(&mut query, page.order);
        query.text(" LIMIT ").value(i64::from(page.limit) + 1);
        let mut rows = in_time(query.finish::<(String, String)>().fetch_all(&self.readers)).await?;
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        if backwards {
            rows.reverse();
        }
        Ok(Listed { items: rows.iter().map(object).collect::<Result<_, _>>()?, has_more })
    }

    async fn update_metadata(
        &self,
        tenant: &Tenant,
        id: &str,
        metadata: &Metadata,
        now: i64,
    ) -> Result<bool, Error> {
        let pairs = metadata.clone().into_iter().collect();
        let (tenant, metadata) = (tenant.clone(), encode(metadata)?);
        let change = NewMetadata { tenant, id: id.to_owned(), now, metadata, pairs };
        Ok(self.queue.write(Write::Metadata(Box::new(change))).await? > 0)
    }

    async fn delete(&self, tenant: &Tenant, id: &str) -> Result<bool, Error> {
        let write = Write::Delete { from: Table::Completions, tenant: tenant.clone(), id: id.to_owned() };
        Ok(self.queue.write(write).await? > 0)
    }

    async fn messages(
        &self,
        tenant: &Tenant,
        id: &str,
        page: &Page,
        now: i64,
    ) -> Result<Option<Listed<Object>>, Error> {
        let query = sqlx::query_scalar::<_, String>(MESSAGES).bind(tenant.as_str()).bind(id).bind(now);
        let Some(messages) = in_time(query.fetch_optional(&self.readers)).await? else { return Ok(None) };
        let messages: Vec<Object> = decode(&messages)?;
        Ok(Some(cut(messages, page, id_of)?))
    }

    async fn expire(&self, now: i64, limit: u32) -> Result<u64, Error> {
        expiry::gently(limit, |limit| {
            self.queue.write(Write::Expire { from: Table::Completions, now, limit: limit.into() })
        })
        .await
    }
}

fn object((body, metadata): &(String, String)) -> Result<Object, Error> {
    let mut object: Object = decode(body)?;
    object.insert("metadata".to_owned(), decode(metadata)?);
    Ok(object)
}

fn select(tenant: &Tenant, now: i64, filter: &CompletionFilter) -> Statement {
    let mut query = Statement::default();
    query.text("SELECT c.body, c.metadata FROM completions c WHERE c.tenant = ").value(tenant.as_str());
    query.text(" AND (c.expires_at IS NULL OR c.expires_at > ").value(now).text(")");
    if let Some(model) = &filter.model {
        query.text(" AND c.model = ").value(model.as_str());
    }
    for (name, value) in &filter.metadata {
        let pair = " AND EXISTS (SELECT 1 FROM completion_metadata m
            WHERE m.tenant = c.tenant AND m.completion_id = c.id AND m.name = ";
        query.text(pair).value(name.as_str()).text(" AND m.value = ").value(value.as_str()).text(")");
    }
    query
}

impl Span {
    fn bound(self, query: &mut Statement, order: Order) {
        let (later, earlier) = (" AND (c.created_at, c.id) > (", " AND (c.created_at, c.id) < (");
        let (behind, ahead) = if order == Order::Asc { (later, earlier) } else { (earlier, later) };
        for (side, place) in [(behind, self.after), (ahead, self.before)] {
            let Some((created, id)) = place else { continue };
            query.text(side).value(created).text(", ").value(id.as_str()).text(")");
        }
        query.text(if self.ascending {
            " ORDER BY c.created_at, c.id"
        } else {
            " ORDER BY c.created_at DESC, c.id DESC"
        });
    }
}
