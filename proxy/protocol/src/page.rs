//! List envelopes and their cursors.

use serde::Serialize;

/// `{"object":"list","data":[…],"first_id","last_id","has_more"}`; both ids are null in an empty list.
#[derive(Clone, Debug, Serialize)]
pub struct List<T> {
    /// Always `list`.
    pub object: &'static str,
    /// The page.
    pub data: Vec<T>,
    /// Id of the first entry.
    pub first_id: Option<String>,
    /// Id of the last entry; the `after` of the next page.
    pub last_id: Option<String>,
    /// True if another page follows.
    pub has_more: bool,
}

impl<T> List<T> {
    /// Makes the envelope; `id` tells the id of an entry.
    pub fn new(data: Vec<T>, has_more: bool, id: impl Fn(&T) -> String) -> Self {
        let (first_id, last_id) = (data.first().map(&id), data.last().map(&id));
        Self { object: "list", data, first_id, last_id, has_more }
    }
}

/// In which direction a list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Asc,
    /// Newest first.
    Desc,
}

/// Which part of a list is asked for. Cursors are ids and exclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// At most so many entries.
    pub limit: u32,
    /// The direction.
    pub order: Order,
    /// Entries behind this one, in the direction of reading.
    pub after: Option<String>,
    /// Entries before this one, in the direction of reading.
    pub before: Option<String>,
}
