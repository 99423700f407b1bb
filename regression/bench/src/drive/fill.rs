//! Fills a store with copies of one real response, faster than requests could.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};

/// How many ids are handed back.
const SAMPLE: u64 = 5_000;
/// 512 MiB: random keys touch all pages of an index.
const PAGE_CACHE: &str = "-524288";
/// Each table, and its column that holds the id of a response.
const TABLES: [(&str, &str); 2] = [("responses", "id"), ("items", "response_id")];

/// Adds `count` copies of the response `template` to the store in `folder`, which nobody else has open. Their ids are
/// random, as those of real ones. Returns some of the ids.
///
/// Errors: no store is there, or it lacks the response or its tables.
pub(crate) fn copies(folder: &Path, template: &str, count: u64) -> anyhow::Result<Vec<String>> {
    let file = database(folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(copy_all(&file, template, count))
}

async fn copy_all(file: &Path, template: &str, count: u64) -> anyhow::Result<Vec<String>> {
    let options = SqliteConnectOptions::new().filename(file).foreign_keys(false);
    let options = options.synchronous(SqliteSynchronous::Off).pragma("cache_size", PAGE_CACHE);
    let mut connection = options.disable_statement_logging().connect().await?;
    make_ids(&mut connection, template, count).await?;
    let mut transaction = connection.begin().await?;
    for (table, owner) in TABLES {
        copy(&mut transaction, (table, owner), template).await?;
    }
    transaction.commit().await?;
    execute(&mut connection, "PRAGMA wal_checkpoint(TRUNCATE)".to_owned()).await?;
    let step = count.div_ceil(SAMPLE);
    let sql = format!("SELECT id FROM fresh WHERE number % {step} = 0 ORDER BY id");
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut connection).await?;
    connection.close().await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

/// Makes the table `fresh` of new ids, as long as the template.
async fn make_ids(connection: &mut SqliteConnection, template: &str, count: u64) -> anyhow::Result<()> {
    let (prefix, rest) = template.split_once('_').context("an id without a prefix")?;
    let length = rest.len();
    let ids = format!("'{prefix}_' || substr(lower(hex(randomblob(64))), 1, {length})");
    let counted = format!(
        "WITH RECURSIVE counted(number) AS (VALUES (1) UNION ALL SELECT number + 1 FROM counted WHERE number < {count})"
    );
    execute(connection, "CREATE TEMP TABLE fresh (number INTEGER PRIMARY KEY, id TEXT NOT NULL)".to_owned())
        .await?;
    execute(connection, format!("INSERT INTO fresh {counted} SELECT number, {ids} FROM counted")).await
}

/// Copies the rows of the template in one table, once for each new id.
async fn copy(
    connection: &mut SqliteConnection,
    (table, owner): (&str, &str),
    template: &str,
) -> anyhow::Result<()> {
    let text = quoted(template);
    execute(
        connection,
        format!("CREATE TEMP TABLE model_{table} AS SELECT * FROM {table} WHERE {owner} = {text}"),
    )
    .await?;
    let columns: Vec<String> = sqlx::query("SELECT name FROM pragma_table_info($1)")
        .bind(table)
        .fetch_all(&mut *connection)
        .await?
        .iter()
        .map(|row| row.try_get("name"))
        .collect::<Result<_, _>>()?;
    let values: Vec<String> = columns.iter().map(|column| value(column, owner, &text)).collect();
    let (columns, values) = (columns.join(", "), values.join(", "));
    let sql = format!(
        "INSERT INTO {table} ({columns}) SELECT {values} FROM fresh CROSS JOIN model_{table} AS model"
    );
    let done = sqlx::query(AssertSqlSafe(sql)).execute(connection).await?;
    anyhow::ensure!(done.rows_affected() > 0, "{template} has no rows in {table}");
    Ok(())
}

/// What a copy has in `column`.
fn value(column: &str, owner: &str, template: &str) -> String {
    match column {
        _ if column == owner => "fresh.id".to_owned(),
        "item_id" => "model.item_id || printf('%x', fresh.number)".to_owned(),
        "body" => format!("replace(model.body, {template}, fresh.id)"),
        _ => format!("model.{column}"),
    }
}

async fn execute(connection: &mut SqliteConnection, sql: String) -> anyhow::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The SQLite file of a folder.
fn database(folder: &Path) -> anyhow::Result<PathBuf> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let mut magic = [0; 15];
        let is_database = fs::File::open(&path).and_then(|mut file| file.read_exact(&mut magic)).is_ok();
        if is_database && &magic == b"SQLite format 3" {
            return Ok(path);
        }
    }
    anyhow::bail!("{} holds no SQLite file", folder.display())
}

#[cfg(test)]
mod tests {
    use protocol::id::Tenant;
    use protocol::responses::item::Item;
    use protocol::responses::response::Response;
    use serde_json::json;
    use store::{Chain, NewResponse, Settings, Store};

    use super::*;

    const TEMPLATE: &str = "resp_0123456789abcdef";

    fn message(id: &str, role: &str, kind: &str) -> Item {
        let content = json!([{"type": kind, "text": id}]);
        serde_json::from_value(json!({"id": id, "type": "message", "role": role, "content": content}))
            .unwrap()
    }

    fn stored() -> NewResponse {
        let mut response: Response = serde_json::from_value(json!({
            "id": TEMPLATE, "object": "response", "created_at": 1, "completed_at": 1, "status": "completed",
            "model": "mock", "output": [], "store": true, "background": false, "metadata": {}, "tools": [],
            "tool_choice": "auto", "parallel_tool_calls": true, "error": null, "incomplete_details": null,
            "instructions": null, "max_output_tokens": null, "max_tool_calls": null, "usage": null, "user": null,
            "previous_response_id": null, "conversation": null, "prompt": null, "prompt_cache_key": null,
            "prompt_cache_retention": null, "safety_identifier": null, "moderation": null, "temperature": 1.0,
            "top_p": 1.0, "top_logprobs": 0, "presence_penalty": 0.0, "frequency_penalty": 0.0,
            "service_tier": "default", "truncation": "disabled", "billing": {"payer": "developer"},
            "reasoning": {"effort": null, "summary": null}, "text": {"format": {"type": "text"}},
        }))
        .unwrap();
        response.output = vec![message("msg_b", "assistant", "output_text")];
        NewResponse {
            response,
            input: vec![message("msg_a", "user", "input_text")],
            expires_at: None,
            approvals: Vec::new(),
        }
    }

    async fn open(folder: &Path) -> Store {
        Store::open(&Settings::sqlite(&folder.join("any.db"))).await.unwrap()
    }

    #[test]
    fn copies_are_responses_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let tenant = Tenant::default_tenant();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = open(folder.path()).await;
            store.responses.put(&tenant, stored()).await.unwrap();
            store.close().await;
        });
        let ids = copies(folder.path(), TEMPLATE, 20).unwrap();
        assert_eq!(ids.len(), 20);
        runtime.block_on(async {
            let store = open(folder.path()).await;
            for id in &ids {
                let response = store.responses.get(&tenant, id, 2).await.unwrap().unwrap();
                assert_eq!((&response.id, response.output.len()), (id, 1));
                let chain = store.responses.chain(&tenant, id, 2).await.unwrap();
                assert!(matches!(chain, Chain::Found { items, turns: 1, .. } if items.len() == 2));
            }
            store.close().await;
        });
    }

    #[test]
    fn a_folder_without_a_store_is_an_error() {
        assert!(copies(tempfile::tempdir().unwrap().path(), TEMPLATE, 1).is_err());
    }
}
