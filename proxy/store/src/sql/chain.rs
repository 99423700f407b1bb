//! Chains of responses: one query, whatever the depth.

use protocol::id::Tenant;
use protocol::responses::item::{Item, ItemStatus};
use protocol::responses::response::Status;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::StrDeserializer;
use sqlx::Any;
use sqlx::any::AnyArguments;
use sqlx::query::QueryAs;

use crate::error::Error;
use crate::responses::Chain;
use crate::sql::read::decode_list;

const MAX_DEPTH: i64 = 10_000;

/// The response `$2` of tenant `$1` and all before it that are not expired at `$3`, up to `$4` of them.
macro_rules! chain {
    ($rest:literal) => {
        concat!(
            "WITH RECURSIVE chain (id, previous_id, status, model, depth) AS (
                SELECT id, previous_id, status, model, CAST(0 AS BIGINT) FROM responses
                WHERE tenant = $1 AND id = $2 AND (expires_at IS NULL OR expires_at > $3)
                UNION ALL
                SELECT r.id, r.previous_id, r.status, r.model, c.depth + 1 FROM chain c
                JOIN responses r ON r.tenant = $1 AND r.id = c.previous_id
                WHERE c.depth + 1 < $4 AND (r.expires_at IS NULL OR r.expires_at > $3)) ",
            $rest
        )
    };
}

const TURNS: &str = chain!(
    "SELECT c.previous_id, c.status, c.model,
        (SELECT string_agg(CASE i.direction WHEN 'output' THEN '[true,' ELSE '[false,' END || i.body || ']', ',')
            FROM (SELECT direction, body FROM items
                WHERE tenant = $1 AND response_id = c.id ORDER BY position) i)
    FROM chain c ORDER BY c.depth DESC"
);

const CONTEXT: &str = chain!(
    "SELECT c.previous_id, i.item_id, i.body FROM chain c
    LEFT JOIN items i ON i.tenant = $1 AND i.response_id = c.id
        AND i.kind <> 'compaction' AND (c.depth > 0 OR i.direction = 'input')
    ORDER BY c.depth DESC, i.position"
);

/// A response of a chain: `previous_id`, `status`, `model`; its items in order as a JSON list without brackets, each as
/// a pair of whether it came out of the turn and the item.
pub(crate) type Turn = (Option<String>, String, String, Option<String>);

/// An item of a chain with the `previous_id` of its response; nulls for a response without items.
pub(crate) type ContextRow = (Option<String>, Option<String>, Option<String>);

type Query<'q, Row> = QueryAs<'q, Any, Row, AnyArguments>;

/// An item of a list.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) item_id: String,
    pub(crate) body: String,
}

/// Reads the turns of a chain, oldest first.
pub(crate) fn turns<'q>(tenant: &Tenant, id: &str, now: i64) -> Query<'q, Turn> {
    sqlx::query_as(TURNS).bind(tenant.as_str().to_owned()).bind(id.to_owned()).bind(now).bind(MAX_DEPTH)
}

/// Reads the context of a response, oldest first.
pub(crate) fn context<'q>(tenant: &Tenant, id: &str, now: i64) -> Query<'q, ContextRow> {
    sqlx::query_as(CONTEXT).bind(tenant.as_str().to_owned()).bind(id.to_owned()).bind(now).bind(MAX_DEPTH)
}

/// Joins the turns. The chain is whole if its oldest turn has none before it.
pub(crate) fn fold(chain: Vec<Turn>) -> Result<Chain, Error> {
    let (Some((None, ..)), Some((_, status, model, ..))) = (chain.first(), chain.last()) else {
        return Ok(Chain::NotFound);
    };
    let (status, model, turns, mut items) = (word(status)?, model.clone(), chain.len(), Vec::new());
    for (_, status, _, list) in chain {
        let was_cut = matches!(word(&status)?, Status::Failed | Status::Cancelled);
        let stays = |(is_output, item): &(bool, Item)| !(was_cut && *is_output) || is_finished(item);
        items.extend(decode_list(list)?.into_iter().filter(stays).map(|(_, item)| item));
    }
    Ok(Chain::Found { items, status, model, turns })
}

/// The entries of a context; `None` if the chain is broken.
pub(crate) fn list(rows: Vec<ContextRow>) -> Option<Vec<Entry>> {
    let Some((None, ..)) = rows.first() else { return None };
    let entry =
        |(_, item_id, body): ContextRow| Some(Entry { item_id: item_id.unwrap_or_default(), body: body? });
    Some(rows.into_iter().filter_map(entry).collect())
}

fn word(status: &str) -> Result<Status, Error> {
    let text: StrDeserializer<'_, serde_json::Error> = status.into_deserializer();
    Status::deserialize(text).map_err(Error::decode)
}

fn is_finished(item: &Item) -> bool {
    let status = match item {
        Item::Message(item) => item.status,
        Item::FunctionCall(item) => item.status,
        Item::FunctionCallOutput(item) => item.status,
        Item::CustomToolCall(item) => item.status,
        Item::CustomToolCallOutput(item) => item.status,
        Item::FileSearchCall(item) => item.status,
        Item::WebSearchCall(item) => item.status,
        Item::ImageGenerationCall(item) => item.status,
        Item::McpCall(item) => item.status,
        Item::Reasoning(_)
        | Item::McpListTools(_)
        | Item::McpApprovalRequest(_)
        | Item::McpApprovalResponse(_)
        | Item::Compaction(_)
        | Item::Reference(_)
        | Item::Other(_) => return true,
    };
    match status {
        ItemStatus::Completed | ItemStatus::Failed => true,
        ItemStatus::InProgress
        | ItemStatus::Searching
        | ItemStatus::Calling
        | ItemStatus::Generating
        | ItemStatus::Incomplete => false,
    }
}
