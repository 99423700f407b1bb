//! Pages of lists that are at hand.

use std::collections::HashSet;
use std::ops::Range;

use protocol::page::{Order, Page};

use crate::error::Error;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// In the order of reading.
    pub items: Vec<T>,
    /// True if more follow.
    pub has_more: bool,
}

/// Cuts a page out of a list that is given oldest first. An id that stands there twice counts once, at its first place,
/// so that a cursor names one place.
///
/// Errors: [`Error::UnknownCursor`].
pub(crate) fn cut<T>(mut list: Vec<T>, page: &Page, id: impl Fn(&T) -> &str) -> Result<Listed<T>, Error> {
    let unique = unique(&list, &id);
    let mut place = 0..list.len();
    list.retain(|_| place.next().is_some_and(|index| unique[index]));
    if page.order == Order::Desc {
        list.reverse();
    }
    let (range, has_more) = window(&list, page, &id)?;
    Ok(Listed { items: list.drain(range).collect(), has_more })
}

fn unique<T>(list: &[T], id: impl Fn(&T) -> &str) -> Vec<bool> {
    let mut seen = HashSet::with_capacity(list.len());
    list.iter().map(|entry| id(entry).is_empty() || seen.insert(id(entry))).collect()
}

/// `before` alone is the page that ends there: the previous one of a reader who goes back.
fn window<T>(list: &[T], page: &Page, id: impl Fn(&T) -> &str) -> Result<(Range<usize>, bool), Error> {
    let place = |param, cursor: &Option<String>| match cursor {
        None => Ok(None),
        Some(cursor) => match list.iter().position(|entry| id(entry) == cursor) {
            Some(place) => Ok(Some(place)),
            None => Err(Error::UnknownCursor { param, id: cursor.clone() }),
        },
    };
    let (after, before) = (place("after", &page.after)?, place("before", &page.before)?);
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let end = before.unwrap_or(list.len());
    Ok(match after {
        None if before.is_some() => (end.saturating_sub(limit)..end, end > limit),
        _ => {
            let start = after.map_or(0, |place| place + 1).min(end);
            let stop = end.min(start.saturating_add(limit));
            (start..stop, stop < end)
        }
    })
}
