//! The port to search engines. An adapter is pure: it writes a request and reads an answer.

mod brave;
mod countries;
mod searxng;
mod tavily;

use bytes::Bytes;
use http::{Request, StatusCode};
use serde::Deserialize;

use super::domains::Domains;
use super::settings::Location;

pub use brave::Brave;
pub use searxng::Searxng;
pub use tavily::Tavily;

/// What is searched for.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// In words.
    pub query: &'a str,
    /// How many results are wanted.
    pub results: usize,
    /// Where they may come from.
    pub domains: &'a Domains,
    /// Where the user is.
    pub location: &'a Location,
}

/// A page that an engine found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Found {
    /// What it is called.
    #[serde(default)]
    pub title: String,
    /// Where it is.
    #[serde(default)]
    pub url: String,
    /// A part of it.
    #[serde(default)]
    pub text: String,
}

/// A search engine.
pub trait SearchEngine: Send + Sync {
    /// Its name, for logs.
    fn name(&self) -> &'static str;

    /// The request that asks it. Domains are named where it can obey them; results are checked in any case.
    ///
    /// Errors: something cannot be written into a request.
    fn request(&self, search: &Search<'_>) -> http::Result<Request<Bytes>>;

    /// What it found, the best first.
    ///
    /// Errors: the answer has another form.
    fn read(&self, answer: &[u8]) -> serde_json::Result<Vec<Found>>;

    /// What an operator can do where it refuses.
    fn advice(&self, status: StatusCode) -> Option<&'static str> {
        let key = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        key.then_some("its key is not accepted: see spec.tools.webSearch of the ResponsesGateway")
    }
}

/// `base` with a path and a query.
fn url(base: &str, path: &str, query: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    if query.is_empty() { format!("{base}{path}") } else { format!("{base}{path}?{query}") }
}
