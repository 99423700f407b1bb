//! Inserts of many rows in few statements.

use std::sync::LazyLock;

use sqlx::any::AnyArguments;
use sqlx::{Any, AnyConnection};

use crate::sql::rows::{ItemRow, ResponseRows};

pub(super) type Query = sqlx::query::Query<'static, Any, AnyArguments>;

/// Row counts of the prepared statements, so that any number of rows takes few statements and few are prepared.
pub(super) const SIZES: [usize; 6] = [32, 16, 8, 4, 2, 1];
const RESPONSE: &str =
    "INSERT INTO responses (tenant, id, previous_id, status, model, created_at, expires_at, body)";
const ITEM: &str = "INSERT INTO items (tenant, response_id, position, direction, item_id, kind, body)";
static RESPONSES: LazyLock<[String; 6]> = LazyLock::new(|| SIZES.map(|rows| statement(RESPONSE, 8, rows)));
static ITEMS: LazyLock<[String; 6]> = LazyLock::new(|| SIZES.map(|rows| statement(ITEM, 7, rows)));

/// Inserts responses and then their items.
pub(crate) async fn responses(
    connection: &mut AnyConnection,
    responses: &[&ResponseRows],
) -> Result<(), sqlx::Error> {
    for (sql, rows) in chunks(responses, &RESPONSES) {
        rows.iter()
            .fold(sqlx::query(sql), |query, row| response(query, row))
            .execute(&mut *connection)
            .await?;
    }
    let items: Vec<_> = responses.iter().flat_map(|row| numbered(row)).collect();
    for (sql, rows) in chunks(&items, &ITEMS) {
        rows.iter().fold(sqlx::query(sql), item).execute(&mut *connection).await?;
    }
    Ok(())
}

fn numbered(row: &ResponseRows) -> impl Iterator<Item = (&ResponseRows, i64, &ItemRow)> {
    row.items.iter().zip(0..).map(move |(item, position)| (row, position, item))
}

fn response(query: Query, row: &ResponseRows) -> Query {
    query
        .bind(row.tenant.as_str().to_owned())
        .bind(row.id.clone())
        .bind(row.previous_id.clone())
        .bind(row.status.to_owned())
        .bind(row.model.clone())
        .bind(row.created_at)
        .bind(row.expires_at)
        .bind(row.body.clone())
}

fn item(query: Query, (response, position, item): &(&ResponseRows, i64, &ItemRow)) -> Query {
    query
        .bind(response.tenant.as_str().to_owned())
        .bind(response.id.clone())
        .bind(*position)
        .bind(item.direction.as_str().to_owned())
        .bind(item.item_id.clone())
        .bind(item.kind.clone())
        .bind(item.body.clone())
}

/// Cuts rows into the sizes that have statements.
pub(super) fn chunks<'a, T>(rows: &'a [T], statements: &'static [String; 6]) -> Chunks<'a, T> {
    Chunks { rest: rows, statements }
}

pub(super) struct Chunks<'a, T> {
    rest: &'a [T],
    statements: &'static [String; 6],
}

impl<'a, T> Iterator for Chunks<'a, T> {
    type Item = (&'static str, &'a [T]);

    fn next(&mut self) -> Option<Self::Item> {
        let size = SIZES.iter().position(|size| *size <= self.rest.len())?;
        let (rows, rest) = self.rest.split_at(SIZES[size]);
        self.rest = rest;
        Some((&self.statements[size], rows))
    }
}

pub(super) fn statement(head: &str, columns: usize, rows: usize) -> String {
    let row = |row: usize| {
        let numbers: Vec<_> = (1..=columns).map(|column| format!("${}", row * columns + column)).collect();
        format!("({})", numbers.join(", "))
    };
    format!("{head} VALUES {}", (0..rows).map(row).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_through_all_rows() {
        assert_eq!(statement("I (a, b)", 2, 2), "I (a, b) VALUES ($1, $2), ($3, $4)");
    }

    #[test]
    fn chunks_keep_every_row_in_order() {
        let rows: Vec<usize> = (0..107).collect();
        let chunks: Vec<_> = chunks(&rows, &ITEMS).map(|(_, rows)| rows).collect();
        assert_eq!(chunks.iter().map(|rows| rows.len()).collect::<Vec<_>>(), [32, 32, 32, 8, 2, 1]);
        assert_eq!(chunks.concat(), rows);
    }
}
