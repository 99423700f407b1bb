//! What can be written, and how a group of writes becomes one transaction.

use protocol::id::Tenant;
use sqlx::{Any, AnyConnection, Connection, Transaction};

use crate::sql::rows::{ApprovalRow, CompletionRow, ResponseRows};
use crate::sql::{approvals, images, insert};

/// One write.
#[derive(Debug)]
pub(crate) enum Write {
    Response(Box<ResponseRows>),
    Completion(Box<CompletionRow>),
    Metadata(Box<NewMetadata>),
    Approvals(Vec<ApprovalRow>),
    Take { tenant: Tenant, ids: Vec<String>, now: i64 },
    Delete { from: Table, tenant: Tenant, id: String },
    Expire { from: Table, now: i64, limit: i64 },
    ExpireImages { now: i64, responses: i64, limit: i64 },
}

/// A table whose rows are deleted and expire.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Table {
    Responses,
    Completions,
    Approvals,
}

/// Metadata that replaces that of a completion.
#[derive(Debug)]
pub(crate) struct NewMetadata {
    pub(crate) tenant: Tenant,
    pub(crate) id: String,
    pub(crate) now: i64,
    pub(crate) metadata: String,
    pub(crate) pairs: Vec<(String, String)>,
}

impl Write {
    pub(crate) fn size_bytes(&self) -> usize {
        match self {
            Self::Response(rows) => rows.size_bytes(),
            Self::Completion(row) => row.size_bytes(),
            Self::Approvals(rows) => rows.iter().map(ApprovalRow::size_bytes).sum(),
            Self::Metadata(_)
            | Self::Take { .. }
            | Self::Delete { .. }
            | Self::Expire { .. }
            | Self::ExpireImages { .. } => 0,
        }
    }

    async fn apply(&self, connection: &mut AnyConnection) -> Result<u64, sqlx::Error> {
        match self {
            Self::Response(rows) => {
                approvals::insert(connection, &rows.approvals).await?;
                images::insert(connection, rows).await?;
                Ok(1)
            }
            Self::Approvals(rows) => approvals::insert(connection, rows).await,
            Self::Take { tenant, ids, now } => approvals::take(connection, (tenant, ids), *now).await,
            Self::Completion(row) => completion(connection, row).await,
            Self::Metadata(change) => metadata(connection, change).await,
            Self::Delete { from, tenant, id } => delete(connection, *from, tenant, id).await,
            Self::Expire { from, now, limit } => expire(connection, *from, (*now, *limit)).await,
            Self::ExpireImages { now, responses, limit } => {
                images::expire(connection, *now, (*responses, *limit)).await
            }
        }
    }
}

/// Does all writes in one transaction, or none: what is not yet committed is undone when the transaction is dropped.
/// Tells how many rows each of them changed.
pub(crate) async fn apply<'c>(
    connection: &'c mut AnyConnection,
    writes: &[&Write],
) -> Result<(Transaction<'c, Any>, Vec<u64>), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let responses: Vec<&ResponseRows> = writes.iter().filter_map(|write| as_response(write)).collect();
    insert::responses(&mut transaction, &responses).await?;
    let mut counts = Vec::with_capacity(writes.len());
    for write in writes {
        counts.push(write.apply(&mut transaction).await?);
    }
    Ok((transaction, counts))
}

fn as_response(write: &Write) -> Option<&ResponseRows> {
    match write {
        Write::Response(rows) => Some(rows),
        Write::Completion(_)
        | Write::Metadata(_)
        | Write::Approvals(_)
        | Write::Take { .. }
        | Write::Delete { .. }
        | Write::Expire { .. }
        | Write::ExpireImages { .. } => None,
    }
}

async fn completion(connection: &mut AnyConnection, row: &CompletionRow) -> Result<u64, sqlx::Error> {
    let sql = "INSERT INTO completions (tenant, id, created_at, expires_at, model, metadata, body, messages)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let query = sqlx::query(sql)
        .bind(row.tenant.as_str())
        .bind(&row.id)
        .bind(row.created_at)
        .bind(row.expires_at)
        .bind(&row.model)
        .bind(&row.metadata)
        .bind(&row.body)
        .bind(&row.messages);
    query.execute(&mut *connection).await?;
    pairs(connection, (&row.tenant, &row.id), &row.pairs).await?;
    Ok(1)
}

async fn metadata(connection: &mut AnyConnection, change: &NewMetadata) -> Result<u64, sqlx::Error> {
    let update = "UPDATE completions SET metadata = $1
        WHERE tenant = $2 AND id = $3 AND (expires_at IS NULL OR expires_at > $4)";
    let query = sqlx::query(update).bind(&change.metadata).bind(change.tenant.as_str()).bind(&change.id);
    let changed = query.bind(change.now).execute(&mut *connection).await?.rows_affected();
    if changed > 0 {
        let clear = "DELETE FROM completion_metadata WHERE tenant = $1 AND completion_id = $2";
        let query = sqlx::query(clear).bind(change.tenant.as_str()).bind(&change.id);
        query.execute(&mut *connection).await?;
        pairs(connection, (&change.tenant, &change.id), &change.pairs).await?;
    }
    Ok(changed)
}

async fn pairs(
    connection: &mut AnyConnection,
    (tenant, id): (&Tenant, &str),
    pairs: &[(String, String)],
) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO completion_metadata (tenant, completion_id, name, value) VALUES ($1, $2, $3, $4)";
    for (name, value) in pairs {
        let query = sqlx::query(sql).bind(tenant.as_str()).bind(id).bind(name).bind(value);
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn delete(
    connection: &mut AnyConnection,
    from: Table,
    tenant: &Tenant,
    id: &str,
) -> Result<u64, sqlx::Error> {
    let sql = match from {
        Table::Responses => "DELETE FROM responses WHERE tenant = $1 AND id = $2",
        Table::Completions => "DELETE FROM completions WHERE tenant = $1 AND id = $2",
        Table::Approvals => "DELETE FROM approvals WHERE tenant = $1 AND id = $2",
    };
    let done = sqlx::query(sql).bind(tenant.as_str()).bind(id).execute(connection).await?;
    Ok(done.rows_affected())
}

async fn expire(
    connection: &mut AnyConnection,
    from: Table,
    (now, limit): (i64, i64),
) -> Result<u64, sqlx::Error> {
    let sql = match from {
        Table::Responses => {
            "DELETE FROM responses WHERE (tenant, id) IN
            (SELECT tenant, id FROM responses WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)"
        }
        Table::Completions => {
            "DELETE FROM completions WHERE (tenant, id) IN
            (SELECT tenant, id FROM completions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)"
        }
        Table::Approvals => {
            "DELETE FROM approvals WHERE (tenant, id) IN
            (SELECT tenant, id FROM approvals WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)"
        }
    };
    let done = sqlx::query(sql).bind(now).bind(limit).execute(connection).await?;
    Ok(done.rows_affected())
}
