//! Answers of search engines, in the form that their documentation gives.

use http::Method;
use http::request::Parts;
use serde_json::{Value, json};

use super::pages::Page;

/// A search engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Searxng,
    Brave,
    Tavily,
}

/// Something that an engine finds.
#[derive(Clone, Debug)]
pub struct Hit {
    pub title: String,
    pub url: String,
    pub text: String,
}

impl Hit {
    pub fn new(title: &str, url: &str, text: &str) -> Self {
        Self { title: title.to_owned(), url: url.to_owned(), text: text.to_owned() }
    }
}

impl Engine {
    /// The engine that a request is for.
    pub(super) fn of(head: &Parts) -> Option<Self> {
        match (&head.method, head.uri.path()) {
            (&Method::GET, "/searxng/search") => Some(Self::Searxng),
            (&Method::GET, "/brave/web/search") => Some(Self::Brave),
            (&Method::POST, "/tavily/search") => Some(Self::Tavily),
            _ => None,
        }
    }

    /// Whether the request has what the engine wants; where not, what it says.
    pub(super) fn refuses(self, head: &Parts, key: &str) -> Option<Page> {
        let header =
            |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let query = head.uri.query().unwrap_or_default();
        match self {
            Self::Searxng if !query.contains("format=json") => Some(Page::html("<p>results</p>")),
            Self::Brave if header("x-subscription-token") != key => Some(Page::json(
                422,
                &json!({
                    "type": "ErrorResponse", "error": {"code": "SUBSCRIPTION_TOKEN_INVALID", "status": 422},
                }),
            )),
            Self::Tavily if header("authorization") != format!("Bearer {key}") => Some(Page::json(
                401,
                &json!({"detail": {"error": "Unauthorized: missing or invalid API key."}}),
            )),
            Self::Searxng | Self::Brave | Self::Tavily => None,
        }
    }

    pub(super) fn answer(self, results: &[Hit]) -> Value {
        match self {
            Self::Searxng => json!({
                "query": "q", "number_of_results": 0, "answers": [], "corrections": [], "infoboxes": [], "suggestions": [],
                "unresponsive_engines": [["google", "timeout"]],
                "results": results.iter().map(searxng).collect::<Vec<_>>(),
            }),
            Self::Brave => json!({
                "query": {"original": "q", "more_results_available": true}, "type": "search",
                "mixed": {"type": "mixed", "main": []},
                "web": {"type": "search", "family_friendly": true, "results": results.iter().map(brave).collect::<Vec<_>>()},
            }),
            Self::Tavily => json!({
                "query": "q", "follow_up_questions": null, "answer": null, "images": [], "response_time": 0.7,
                "request_id": "1", "results": results.iter().map(tavily).collect::<Vec<_>>(),
            }),
        }
    }
}

fn searxng(result: &Hit) -> Value {
    json!({
        "url": result.url, "title": result.title, "content": result.text, "publishedDate": null, "thumbnail": "",
        "engine": "duckduckgo", "template": "default.html", "parsed_url": [], "img_src": "", "priority": "",
        "engines": ["duckduckgo"], "positions": [1], "score": 1.0, "category": "general",
    })
}

fn brave(result: &Hit) -> Value {
    json!({
        "title": result.title, "url": result.url, "is_source_local": false, "is_source_both": false,
        "description": result.text, "language": "en", "family_friendly": true, "type": "search_result",
        "subtype": "generic", "is_live": false, "age": "2 days ago", "extra_snippets": ["More of it."],
        "meta_url": {"scheme": "https", "netloc": "x", "hostname": "x", "favicon": "x", "path": ""},
    })
}

fn tavily(result: &Hit) -> Value {
    json!({"title": result.title, "url": result.url, "content": result.text, "score": 0.8, "raw_content": null})
}
