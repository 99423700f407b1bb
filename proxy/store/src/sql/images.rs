//! Images in SQL.

use protocol::id::Tenant;
use protocol::responses::item::Item;
use sqlx::{AnyConnection, AnyPool};

use crate::error::Error;
use crate::images::{places, restore};
use crate::sql::read::in_time;
use crate::sql::rows::ResponseRows;

const INSERT: &str = "INSERT INTO images (tenant, response_id, item_id, part, body)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";

/// An item may stand in several responses, of which one has the image: its own comes first.
const GET: &str =
    "SELECT i.body FROM images i JOIN responses r ON r.tenant = i.tenant AND r.id = i.response_id
    WHERE i.tenant = $1 AND i.item_id = $2 AND i.part = $3 AND (r.expires_at IS NULL OR r.expires_at > $4)
    ORDER BY CASE WHEN i.response_id = $5 THEN 0 ELSE 1 END, r.created_at, r.id LIMIT 1";

pub(super) async fn insert(connection: &mut AnyConnection, rows: &ResponseRows) -> Result<(), sqlx::Error> {
    for item in &rows.items {
        for (part, body) in &item.images {
            let query = sqlx::query(INSERT).bind(rows.tenant.as_str()).bind(&rows.id);
            let query = query.bind(&item.item_id).bind(part).bind(body);
            query.execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// Reads the image of an item.
pub(super) async fn get(
    readers: &AnyPool,
    (tenant, response_id): (&Tenant, &str),
    (item_id, part): (&str, i64),
    now: i64,
) -> Result<Option<String>, Error> {
    let query = sqlx::query_scalar::<_, String>(GET).bind(tenant.as_str()).bind(item_id).bind(part);
    in_time(query.bind(now).bind(response_id).fetch_optional(readers)).await
}

/// Puts images back into the items that had them.
pub(super) async fn fill(
    readers: &AnyPool,
    owner: (&Tenant, &str),
    items: &mut [Item],
    now: i64,
) -> Result<(), Error> {
    for item in items {
        for part in places(item) {
            let image = get(readers, owner, (item.id(), part), now).await?;
            restore(item, part, image);
        }
    }
    Ok(())
}
