//! Citations: Markdown links in an answer that lead to what a tool has found.

mod links;

use std::collections::BTreeMap;

use protocol::responses::item::{Item, WebSearchCall};
use serde_json::{Value, json};

use crate::tool::Source;
use links::Link;
pub(crate) use links::Links;

/// What an answer may cite.
#[derive(Default)]
pub(crate) struct Sources(BTreeMap<String, Source>);

impl Sources {
    /// What earlier turns have found: the model reads it again.
    pub(crate) fn of<'a>(items: impl Iterator<Item = &'a Item>) -> Self {
        let mut sources = Self::default();
        for item in items {
            if let Item::WebSearchCall(call) = item {
                sources.add(found(call));
            }
        }
        sources
    }

    pub(crate) fn add(&mut self, sources: Vec<Source>) {
        self.0.extend(sources.into_iter().map(|source| (key(&source.url), source)));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The annotation of a link; `None` if it leads elsewhere.
    pub(crate) fn cited(&self, link: &Link) -> Option<Value> {
        let Source { url, title } = self.0.get(&key(&link.url))?;
        Some(json!({
            "type": "url_citation",
            "start_index": link.start,
            "end_index": link.end,
            "url": url,
            "title": title,
        }))
    }
}

/// What a call of an earlier turn has found.
fn found(call: &WebSearchCall) -> Vec<Source> {
    let results = call.rest.get("results").and_then(Value::as_array);
    let text = |result: &Value, key: &str| result.get(key).and_then(Value::as_str).map(str::to_owned);
    let source = |result: &Value| {
        let url = text(result, "url")?;
        let title = text(result, "title").unwrap_or_else(|| url.clone());
        Some(Source { url, title })
    };
    results.into_iter().flatten().filter_map(source).collect()
}

/// What addresses of one page have in common: models drop fragments, slashes at the end and the `s` of `https`.
fn key(url: &str) -> String {
    let url = url.split('#').next().unwrap_or_default();
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    format!("{}{}", host.to_ascii_lowercase(), path.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(urls: &[&str]) -> Sources {
        let mut sources = Sources::default();
        let source = |url: &&str| Source { url: (*url).to_owned(), title: format!("About {url}") };
        sources.add(urls.iter().map(source).collect());
        sources
    }

    #[test]
    fn one_page_has_several_spellings() {
        let sources = sources(&["https://Example.com/a/", "https://example.com/b?x=1"]);
        let cited = |url: &str| {
            sources.cited(&Link { url: url.to_owned(), start: 1, end: 2 }).map(|found| found["url"].clone())
        };
        for url in ["https://example.com/a", "http://EXAMPLE.com/a/#top", "https://example.com/a/"] {
            assert_eq!(cited(url), Some(json!("https://Example.com/a/")), "{url}");
        }
        assert_eq!(cited("https://example.com/b?x=1"), Some(json!("https://example.com/b?x=1")));
        for url in ["https://example.com/A", "https://example.com/b", "https://example.com", ""] {
            assert_eq!(cited(url), None, "{url}");
        }
    }

    #[test]
    fn the_results_of_an_earlier_turn_can_be_cited() {
        let call = json!({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"},
            "results": [{"url": "https://a.example/", "title": "A"}, {"url": "https://b.example/"}, {"title": "C"}, 1]});
        let item: Item = serde_json::from_value(call).unwrap();
        let sources = Sources::of([item].iter());
        let title = |url: &str| {
            sources.cited(&Link { url: url.to_owned(), start: 0, end: 1 }).map(|found| found["title"].clone())
        };
        assert_eq!(title("https://a.example"), Some(json!("A")));
        assert_eq!(title("https://b.example"), Some(json!("https://b.example/")));
        assert_eq!(sources.0.len(), 2);
    }
}
