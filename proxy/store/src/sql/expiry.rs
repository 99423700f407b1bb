//! Deletes what has expired in batches that are as large as the database can bear.

use crate::error::Error;
use crate::sql::writer::WRITE;

/// Deletes at most `limit` rows and returns how many. Where a batch was too slow, a quarter of it is tried, down to one
/// row: what is too slow at once would be so again.
///
/// Errors: what `delete` fails with otherwise.
pub(crate) async fn gently<Deleted>(limit: u32, delete: impl Fn(u32) -> Deleted) -> Result<u64, Error>
where
    Deleted: Future<Output = Result<u64, Error>>,
{
    let (mut batch, mut deleted) = (limit, 0);
    while deleted < u64::from(limit) {
        match delete(batch).await {
            Ok(count) => {
                deleted += count;
                if count < u64::from(batch) {
                    break;
                }
            }
            Err(Error::TooSlow(WRITE)) if batch > 1 => batch = (batch / 4).max(1),
            Err(error) => return Err(error),
        }
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    /// Deletes from `rows` rows, of which it can bear `most` at once.
    async fn deleted(rows: u32, most: u32) -> (Result<u64, Error>, Vec<u32>) {
        let (left, asked) = (Cell::new(rows), RefCell::new(Vec::new()));
        let delete = |batch: u32| {
            asked.borrow_mut().push(batch);
            let count = left.get().min(batch);
            let result = if count > most { Err(Error::TooSlow(WRITE)) } else { Ok(u64::from(count)) };
            left.set(left.get() - if result.is_ok() { count } else { 0 });
            async { result }
        };
        let result = gently(500, delete).await;
        (result, asked.into_inner())
    }

    #[tokio::test]
    async fn what_is_too_slow_at_once_goes_in_smaller_batches() {
        let (count, asked) = deleted(400, 31).await;
        assert_eq!((count.unwrap(), &asked[..4]), (400, &[500, 125, 31, 31][..]));
        let (count, asked) = deleted(3, 1).await;
        assert_eq!((count.unwrap(), asked), (3, vec![500, 125, 31, 7, 1, 1, 1, 1]));
        assert_eq!(deleted(700, 500).await.0.unwrap(), 500);
    }

    #[tokio::test]
    async fn one_row_that_is_too_slow_ends_it() {
        let (result, asked) = deleted(3, 0).await;
        assert!(matches!(result, Err(Error::TooSlow(_))));
        assert_eq!(asked, [500, 125, 31, 7, 1]);
    }
}
