//! The Brave Search API. Source: api-dashboard.search.brave.com, Web Search.

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderValue, Request};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Found, Search, SearchEngine, url};
use crate::web_search::html::plain;

/// The most that it gives, and the longest query that it takes, in code points.
const RESULTS: usize = 20;
const QUERY: usize = 400;

/// The Brave Search API.
#[derive(Clone, Debug)]
pub struct Brave {
    /// Where it is, without a slash at its end.
    pub base_url: String,
    /// The subscription's token.
    pub key: SecretString,
}

#[derive(Deserialize)]
struct Answer {
    /// Absent where nothing was found.
    #[serde(default)]
    web: Option<Web>,
    /// The word `search`; something else is no answer to a search.
    #[serde(rename = "type")]
    _kind: Kind,
}

#[derive(Deserialize)]
enum Kind {
    #[serde(rename = "search")]
    Search,
}

#[derive(Deserialize)]
struct Web {
    #[serde(default)]
    results: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    title: String,
    url: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    extra_snippets: Vec<String>,
}

impl SearchEngine for Brave {
    fn name(&self) -> &'static str {
        "Brave"
    }

    fn request(&self, search: &Search<'_>) -> http::Result<Request<Bytes>> {
        let named = search.domains.in_query(search.query);
        let query = if named.chars().count() > QUERY { search.query } else { &named };
        let query: String = query.chars().take(QUERY).collect();
        let count = search.results.clamp(1, RESULTS).to_string();
        let query = [
            ("q", query.as_str()),
            ("count", &count),
            ("result_filter", "web"),
            ("text_decorations", "false"),
        ];
        let url = url(&self.base_url, "/web/search", &query);
        let mut key = HeaderValue::from_str(self.key.expose_secret())?;
        key.set_sensitive(true);
        let mut request =
            Request::get(url).header(ACCEPT, "application/json").header("x-subscription-token", key);
        let place = search.location;
        for (name, value) in [
            ("x-loc-country", &place.country),
            ("x-loc-state-name", &place.region),
            ("x-loc-city", &place.city),
            ("x-loc-timezone", &place.timezone),
        ] {
            if let Some(value) = value {
                request = request.header(name, HeaderValue::from_bytes(value.as_bytes())?);
            }
        }
        request.body(Bytes::new())
    }

    fn read(&self, answer: &[u8]) -> serde_json::Result<Vec<Found>> {
        let answer: Answer = serde_json::from_slice(answer)?;
        let found = |entry: Entry| {
            let text: Vec<String> = entry.description.into_iter().chain(entry.extra_snippets).collect();
            let text: Vec<String> = text.iter().map(|text| plain(text)).collect();
            Found { title: plain(&entry.title), url: entry.url, text: text.join("\n") }
        };
        Ok(answer.web.into_iter().flat_map(|web| web.results).map(found).collect())
    }
}
