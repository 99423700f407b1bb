//! A witness hears of every request that was made, once, and of nothing else.

use std::sync::Arc;

use parking_lot::Mutex;
use regression::fakes::mcp::{Behaviour, Trouble};
use serde_json::json;
use tools::mcp::{Catalog, Failure, Reason, Server, Witness};

use super::stage::Stage;

/// What it heard, in words.
#[derive(Debug, Default)]
struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn add(&self, what: String) {
        self.0.lock().push(what);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock())
    }
}

fn why(failure: &Failure) -> String {
    failure.reason().map_or_else(|| "an answer".to_owned(), |reason| format!("{reason:?}"))
}

impl Witness for Heard {
    fn listed(&self, catalog: &Catalog) {
        self.add(format!("listed {} by {}", catalog.tools.len(), catalog.protocol));
    }

    fn unlisted(&self, failure: &Failure) {
        self.add(format!("unlisted: {}", why(failure)));
    }

    fn answered(&self) {
        self.add("answered".to_owned());
    }

    fn unanswered(&self, failure: &Failure) {
        self.add(format!("unanswered: {}", why(failure)));
    }
}

fn watched(mut server: Server) -> (Server, Arc<Heard>) {
    let heard = Arc::<Heard>::default();
    server.witness = Some(Arc::clone(&heard) as Arc<dyn Witness>);
    (server, heard)
}

#[tokio::test]
async fn what_a_cache_answers_is_no_request() -> anyhow::Result<()> {
    let stage = Stage::new(Behaviour::default()).await?;
    let (server, heard) = watched(stage.server());
    stage.names(&server).await?;
    stage.names(&server).await?;
    assert_eq!(heard.take(), ["listed 7 by 2026-07-28"]);
    assert_eq!(stage.fake.asked("tools/list"), 1);
    Ok(())
}

#[tokio::test]
async fn a_tool_that_fails_is_an_answer_and_a_server_that_fails_is_none() -> anyhow::Result<()> {
    let stage = Stage::new(Behaviour::default()).await?;
    let (server, heard) = watched(stage.server());
    stage.call(&server, "add", json!({"a": 1, "b": 2})).await?;
    let failed = stage.call(&server, "fail", json!({})).await;
    assert!(matches!(failed, Err(Failure::Execution { .. })), "{failed:?}");
    assert_eq!(heard.take(), ["answered", "answered"]);
    stage.fake.trouble("tools/call", Trouble::status(503), Some(1));
    let failed = stage.call(&server, "add", json!({"a": 1, "b": 2})).await;
    assert_eq!(failed.err().and_then(|failure| failure.reason()), Some(Reason::Status(503)));
    assert_eq!(heard.take(), ["unanswered: Status(503)"]);
    stage.fake.trouble("tools/list", Trouble::Hang, None);
    assert!(stage.names(&server).await.is_err());
    assert_eq!(heard.take(), ["unlisted: Timeout"]);
    Ok(())
}

#[tokio::test]
async fn a_request_that_is_dropped_says_nothing() -> anyhow::Result<()> {
    let stage = Stage::new(Behaviour::default()).await?;
    let (server, heard) = watched(stage.server());
    stage.names(&server).await?;
    heard.take();
    stage.fake.trouble("tools/call", Trouble::Hang, None);
    let call = stage.call(&server, "add", json!({"a": 1, "b": 2}));
    tokio::select! {
        called = call => anyhow::bail!("it hangs: {called:?}"),
        asked = stage.fake.until_asked("tools/call", 1) => asked?,
    }
    assert_eq!(heard.take(), Vec::<String>::new());
    let of_a_caller = server.with_headers(server.headers.clone());
    assert!(of_a_caller.witness.is_none(), "what a caller brings is another thing");
    Ok(())
}
