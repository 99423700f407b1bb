//! SearXNG. Source: docs.searxng.org, Search API.

use bytes::Bytes;
use http::header::ACCEPT;
use http::{Request, StatusCode};
use serde::Deserialize;

use super::{Found, Search, SearchEngine, url};

/// An instance of SearXNG.
#[derive(Clone, Debug)]
pub struct Searxng {
    /// Where it is, without a slash at its end.
    pub url: String,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    content: Option<String>,
}

impl SearchEngine for Searxng {
    fn name(&self) -> &'static str {
        "SearXNG"
    }

    fn request(&self, search: &Search<'_>) -> http::Result<Request<Bytes>> {
        let query = search.domains.in_query(search.query);
        let url = url(&self.url, "/search", &[("q", &query), ("format", "json")]);
        Request::get(url).header(ACCEPT, "application/json").body(Bytes::new())
    }

    fn read(&self, answer: &[u8]) -> serde_json::Result<Vec<Found>> {
        let answer: Answer = serde_json::from_slice(answer)?;
        let found = |entry: Entry| Found {
            title: entry.title.unwrap_or_default(),
            url: entry.url.unwrap_or_default(),
            text: entry.content.unwrap_or_default(),
        };
        Ok(answer.results.into_iter().map(found).collect())
    }

    fn advice(&self, status: StatusCode) -> Option<&'static str> {
        (status == StatusCode::FORBIDDEN).then_some(
            "its settings must list json under search.formats, and its limiter must let this proxy through",
        )
    }
}
