//! The ways out: to the engine, and to pages. Both are bounded in time and size.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http::header::RETRY_AFTER;
use reqwest::{Client, Response};
use thiserror::Error;
use tokio::time::timeout;

use super::engine::{Found, Search, SearchEngine};

/// The longest answer of an engine, in bytes.
const ANSWER: usize = 4 << 20;

/// The ways out. Neither client follows redirects; each dials only what its rules allow.
#[derive(Clone, Debug)]
pub struct Web {
    /// To the engine, which the configuration names.
    pub engine: Client,
    /// To pages, which the model names.
    pub pages: Client,
    /// Whether pages may be on this machine.
    pub loopback: bool,
    /// The time for one search or one page.
    pub patience: Duration,
    /// The longest page; of a longer one the beginning is read.
    pub page_bytes: usize,
}

/// Why something was not found, in words for the model.
#[derive(Debug, Error)]
pub(super) enum Trouble {
    /// The rules for URLs forbid it. Which one is not told.
    #[error("this URL cannot be opened here")]
    Denied,
    /// The request limits the search to other domains.
    #[error("the page is not of the domains that this search is limited to")]
    Filtered,
    #[error("it did not answer in time")]
    Slow,
    #[error("it cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("it answered with HTTP status {0}")]
    Status(StatusCode),
    #[error("it was asked too often{}", later(*.0))]
    Busy(Option<u64>),
    #[error("it redirects too often")]
    Redirects,
    #[error("its type, {0}, cannot be read as text")]
    Type(String),
    #[error("it is compressed, which was not asked for")]
    Coded,
    #[error("its answer is too long")]
    TooLong,
    #[error("its answer cannot be understood")]
    Unreadable(#[source] serde_json::Error),
    #[error("it cannot be asked for this")]
    Unaskable(#[source] http::Error),
    #[error("it could not be read")]
    Broken,
}

impl Web {
    /// Asks an engine. What went wrong is logged, with what an operator can do about it.
    pub(super) async fn search(
        &self,
        engine: &dyn SearchEngine,
        search: &Search<'_>,
    ) -> Result<Vec<Found>, Trouble> {
        let found = timeout(self.patience, self.ask(engine, search)).await.unwrap_or(Err(Trouble::Slow));
        if let Err(trouble) = &found {
            let advice = if let Trouble::Status(status) = trouble { engine.advice(*status) } else { None };
            tracing::warn!(engine = engine.name(), error = chain(trouble), advice, "A search failed");
        }
        found
    }

    async fn ask(&self, engine: &dyn SearchEngine, search: &Search<'_>) -> Result<Vec<Found>, Trouble> {
        let request = engine.request(search).map_err(Trouble::Unaskable)?;
        let request = reqwest::Request::try_from(request).map_err(unreachable)?;
        let response = self.engine.execute(request).await.map_err(unreachable)?;
        check(&response)?;
        match body(response, ANSWER).await? {
            (_, true) => Err(Trouble::TooLong),
            (answer, false) => engine.read(&answer).map_err(Trouble::Unreadable),
        }
    }
}

/// Errors: anything but success, in words.
pub(super) fn check(response: &Response) -> Result<(), Trouble> {
    let status = response.status();
    if status == StatusCode::TOO_MANY_REQUESTS {
        let after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        return Err(Trouble::Busy(after));
    }
    if status.is_success() { Ok(()) } else { Err(Trouble::Status(status)) }
}

/// The body, or its beginning, and whether there was more.
pub(super) async fn body(mut response: Response, limit: usize) -> Result<(Bytes, bool), Trouble> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        let room = limit - body.len();
        if chunk.len() > room {
            body.extend_from_slice(&chunk[..room]);
            return Ok((body.freeze(), true));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((body.freeze(), false))
}

/// The URL is what somebody asked for: it stays out of logs.
pub(super) fn unreachable(error: reqwest::Error) -> Trouble {
    Trouble::Unreachable(error.without_url())
}

fn later(seconds: Option<u64>) -> String {
    seconds.map(|seconds| format!("; it may be asked again in {seconds} s")).unwrap_or_default()
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
