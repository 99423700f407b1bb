//! The Tavily API. Source: docs.tavily.com, Tavily Search.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::countries;
use super::{Found, Search, SearchEngine, url};

/// The most that it gives, and the longest query that it takes, in code points.
const RESULTS: usize = 20;
const QUERY: usize = 400;

/// The Tavily API.
#[derive(Clone, Debug)]
pub struct Tavily {
    /// Where it is, without a slash at its end.
    pub base_url: String,
    /// `tvly-…`.
    pub key: SecretString,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    title: Option<String>,
    url: String,
    #[serde(default)]
    content: Option<String>,
}

impl SearchEngine for Tavily {
    fn name(&self) -> &'static str {
        "Tavily"
    }

    fn request(&self, search: &Search<'_>) -> http::Result<Request<Bytes>> {
        let query: String = search.query.chars().take(QUERY).collect();
        let mut body = json!({"query": query, "max_results": search.results.clamp(1, RESULTS)});
        for (key, domains) in
            [("include_domains", &search.domains.allowed), ("exclude_domains", &search.domains.blocked)]
        {
            if !domains.is_empty() {
                body[key] = json!(domains);
            }
        }
        if let Some(country) = search.location.country.as_deref().and_then(countries::name) {
            body["country"] = json!(country);
        }
        let mut key = HeaderValue::from_str(&format!("Bearer {}", self.key.expose_secret()))?;
        key.set_sensitive(true);
        Request::post(url(&self.base_url, "/search", &[]))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, key)
            .body(Bytes::from(body.to_string()))
    }

    fn read(&self, answer: &[u8]) -> serde_json::Result<Vec<Found>> {
        let answer: Answer = serde_json::from_slice(answer)?;
        let found = |entry: Entry| Found {
            title: entry.title.unwrap_or_default(),
            url: entry.url,
            text: entry.content.unwrap_or_default(),
        };
        Ok(answer.results.into_iter().map(found).collect())
    }
}
