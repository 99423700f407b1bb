//! Calls that wait for an approval, in SQL.

use async_trait::async_trait;
use protocol::id::Tenant;
use sqlx::{AnyConnection, AnyPool, Connection};

use crate::approvals::{Approval, Approvals, NewApproval};
use crate::error::Error;
use crate::sql::expiry;
use crate::sql::read::{decode, in_time};
use crate::sql::rows::ApprovalRow;
use crate::sql::write::{Table, Write};
use crate::sql::writer::Queue;

const GET: &str = "SELECT response_id, call, hash FROM approvals
    WHERE tenant = $1 AND id = $2 AND used_at IS NULL AND expires_at > $3";
const INSERT: &str = "INSERT INTO approvals (tenant, id, response_id, call, hash, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
const TAKE: &str = "UPDATE approvals SET used_at = $3
    WHERE tenant = $1 AND id = $2 AND used_at IS NULL AND expires_at > $3";

pub(crate) struct SqlApprovals {
    readers: AnyPool,
    queue: Queue,
}

impl SqlApprovals {
    pub(crate) fn new(readers: AnyPool, queue: Queue) -> Self {
        Self { readers, queue }
    }
}

#[async_trait]
impl Approvals for SqlApprovals {
    async fn put(&self, tenant: &Tenant, requests: Vec<NewApproval>) -> Result<(), Error> {
        let row = |request| ApprovalRow::new(tenant, None, request);
        let rows = requests.into_iter().map(row).collect::<Result<_, _>>()?;
        self.queue.write(Write::Approvals(rows)).await?;
        Ok(())
    }

    async fn get(&self, tenant: &Tenant, id: &str, now: i64) -> Result<Option<Approval>, Error> {
        type Row = (Option<String>, Option<String>, String);
        let query = sqlx::query_as::<_, Row>(GET).bind(tenant.as_str()).bind(id).bind(now);
        let Some((response_id, call, hash)) = in_time(query.fetch_optional(&self.readers)).await? else {
            return Ok(None);
        };
        let call = call.map(|call| decode(&call)).transpose()?;
        Ok(Some(Approval { response_id, call, hash }))
    }

    async fn take(&self, tenant: &Tenant, mut ids: Vec<String>, now: i64) -> Result<bool, Error> {
        if ids.is_empty() {
            return Ok(true);
        }
        ids.sort(); // two replicas lock rows in the same order
        let write = Write::Take { tenant: tenant.clone(), ids, now };
        Ok(self.queue.write(write).await? > 0)
    }

    async fn expire(&self, now: i64, limit: u32) -> Result<u64, Error> {
        expiry::gently(limit, |limit| {
            self.queue.write(Write::Expire { from: Table::Approvals, now, limit: limit.into() })
        })
        .await
    }
}

/// Inserts rows.
pub(super) async fn insert(connection: &mut AnyConnection, rows: &[ApprovalRow]) -> Result<u64, sqlx::Error> {
    for row in rows {
        let query = sqlx::query(INSERT)
            .bind(row.tenant.as_str())
            .bind(&row.id)
            .bind(&row.response_id)
            .bind(&row.call)
            .bind(&row.hash)
            .bind(row.created_at)
            .bind(row.expires_at);
        query.execute(&mut *connection).await?;
    }
    Ok(rows.len() as u64)
}

/// Takes rows within the transaction of a group; if one is missing, only these go back.
pub(super) async fn take(
    connection: &mut AnyConnection,
    (tenant, ids): (&Tenant, &[String]),
    now: i64,
) -> Result<u64, sqlx::Error> {
    let mut part = connection.begin().await?;
    for id in ids {
        let query = sqlx::query(TAKE).bind(tenant.as_str()).bind(id).bind(now);
        if query.execute(&mut *part).await?.rows_affected() == 0 {
            part.rollback().await?;
            return Ok(0);
        }
    }
    part.commit().await?;
    Ok(ids.len() as u64)
}
