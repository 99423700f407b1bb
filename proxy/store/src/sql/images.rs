//! Images in SQL.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use protocol::id::Tenant;
use protocol::responses::item::Item;
use sqlx::{AnyConnection, AnyPool};

use crate::error::Error;
use crate::images::{places, restore};
use crate::sql::insert::{Query, SIZES, chunks, statement};
use crate::sql::read::within;
use crate::sql::rows::{ItemRow, ResponseRows};

const INSERT: &str = "INSERT INTO images (tenant, response_id, item_id, part, body)";
static INSERTS: LazyLock<[String; 6]> =
    LazyLock::new(|| SIZES.map(|rows| format!("{} ON CONFLICT DO NOTHING", statement(INSERT, 5, rows))));
/// What one statement carries, in bytes; an image that is larger goes alone.
const STATEMENT_BYTES: usize = 4 << 20;

/// An item may stand in several responses, of which one has the image: its own comes first. The bodies are read for what
/// was chosen only.
const GET: &str = "SELECT i.part, i.body FROM images i JOIN (
        SELECT c.response_id, c.part,
            ROW_NUMBER() OVER (PARTITION BY c.part
                ORDER BY CASE WHEN c.response_id = $4 THEN 0 ELSE 1 END, r.created_at, r.id) AS place
        FROM images c JOIN responses r ON r.tenant = c.tenant AND r.id = c.response_id
        WHERE c.tenant = $1 AND c.item_id = $2 AND (r.expires_at IS NULL OR r.expires_at > $3)) chosen
    ON chosen.response_id = i.response_id AND chosen.part = i.part
    WHERE i.tenant = $1 AND i.item_id = $2 AND chosen.place = 1";

/// Of the responses that expire next.
const EXPIRE: &str = "DELETE FROM images WHERE (tenant, response_id, item_id, part) IN (
    SELECT i.tenant, i.response_id, i.item_id, i.part FROM images i JOIN
        (SELECT tenant, id FROM responses WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2) r
    ON r.tenant = i.tenant AND r.id = i.response_id LIMIT $3)";

/// The time for the images of one item: they are much larger than other rows.
const PATIENCE: Duration = Duration::from_secs(20);

/// An image, its item and its response.
type Row<'a> = (&'a ResponseRows, &'a ItemRow, i64, &'a str);

pub(super) async fn insert(connection: &mut AnyConnection, rows: &ResponseRows) -> Result<(), sqlx::Error> {
    let images: Vec<Row<'_>> = rows.items.iter().flat_map(|item| of_item(rows, item)).collect();
    for batch in batches(&images) {
        for (sql, rows) in chunks(batch, &INSERTS) {
            rows.iter().fold(sqlx::query(sql), bound).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

fn of_item<'a>(response: &'a ResponseRows, item: &'a ItemRow) -> impl Iterator<Item = Row<'a>> {
    item.images.iter().map(move |(part, body)| (response, item, *part, body.as_str()))
}

/// Cuts images into what statements carry.
fn batches<'a>(images: &'a [Row<'a>]) -> impl Iterator<Item = &'a [Row<'a>]> {
    let mut size_bytes = 0;
    images.chunk_by(move |(.., last), (.., next)| {
        size_bytes += last.len();
        let fits = size_bytes + next.len() <= STATEMENT_BYTES;
        if !fits {
            size_bytes = 0;
        }
        fits
    })
}

fn bound(query: Query, (response, item, part, body): &Row<'_>) -> Query {
    query
        .bind(response.tenant.as_str().to_owned())
        .bind(response.id.clone())
        .bind(item.item_id.clone())
        .bind(*part)
        .bind((*body).to_owned())
}

/// Reads the image of an item.
pub(super) async fn get(
    readers: &AnyPool,
    owner: (&Tenant, &str),
    item_id: &str,
    now: i64,
) -> Result<Option<String>, Error> {
    Ok(all(readers, owner, item_id, now).await?.remove(&0))
}

/// Puts images back into the items that had them, one query an item.
///
/// A mark that a caller sends is found in the caller's own tenant or nowhere, like the id of an item.
pub(super) async fn fill(
    readers: &AnyPool,
    owner: (&Tenant, &str),
    items: &mut [Item],
    now: i64,
) -> Result<(), Error> {
    for item in items {
        let places = places(item);
        if places.is_empty() {
            continue;
        }
        let mut images = all(readers, owner, item.id(), now).await?;
        for part in places {
            restore(item, part, images.remove(&part));
        }
    }
    Ok(())
}

/// Deletes at most `limit` images of the `responses` that expire next.
pub(super) async fn expire(
    connection: &mut AnyConnection,
    now: i64,
    (responses, limit): (i64, i64),
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(EXPIRE).bind(now).bind(responses).bind(limit).execute(connection).await?;
    Ok(done.rows_affected())
}

/// The images of an item by their places.
async fn all(
    readers: &AnyPool,
    (tenant, response_id): (&Tenant, &str),
    item_id: &str,
    now: i64,
) -> Result<BTreeMap<i64, String>, Error> {
    let query = sqlx::query_as::<_, (i64, String)>(GET).bind(tenant.as_str()).bind(item_id).bind(now);
    let rows = within(PATIENCE, query.bind(response_id).fetch_all(readers)).await?;
    Ok(rows.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::rows::Direction;

    fn rows() -> (ResponseRows, ItemRow) {
        let text = String::new;
        let item = ItemRow {
            direction: Direction::Input,
            item_id: None,
            kind: text(),
            body: text(),
            images: vec![],
        };
        let response = ResponseRows {
            tenant: Tenant::new("red"),
            id: text(),
            previous_id: None,
            status: "completed",
            model: text(),
            created_at: 0,
            expires_at: None,
            body: text(),
            items: Vec::new(),
            approvals: Vec::new(),
        };
        (response, item)
    }

    #[test]
    fn a_statement_carries_what_it_can_and_every_image_once() {
        let (response, item) = rows();
        let [small, half, large] = [1, STATEMENT_BYTES / 2, STATEMENT_BYTES * 2].map(|size| "A".repeat(size));
        let bodies: [&str; 7] = [&small, &small, &large, &half, &half, &small, &small];
        let images: Vec<Row<'_>> =
            (0..).zip(bodies).map(|(part, body)| (&response, &item, part, body)).collect();
        let parts = |batch: &[Row<'_>]| batch.iter().map(|(_, _, part, _)| *part).collect::<Vec<_>>();
        let cut: Vec<_> = batches(&images).map(parts).collect();
        assert_eq!(cut, [vec![0, 1], vec![2], vec![3, 4], vec![5, 6]]);
    }
}
