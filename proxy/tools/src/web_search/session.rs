//! The tool in one turn: what it has opened, so that looking into a page does not open it again.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use parking_lot::Mutex;
use url::Url;

use super::WebSearch;
use super::engine::{Found, Search};
use super::page::Page;
use super::settings::Settings;
use super::web::Trouble;
use crate::text::cleaned;

/// Pages that are kept; of more, the oldest is forgotten.
const KEPT: usize = 8;
/// Queries of one call.
const QUERIES: usize = 4;

pub(super) struct Session {
    tool: WebSearch,
    pub(super) settings: Settings,
    /// By the URL that was asked for.
    pages: Mutex<Vec<(String, Arc<Page>)>>,
}

impl Session {
    pub(super) fn new(tool: WebSearch, settings: Settings) -> Self {
        Self { tool, settings, pages: Mutex::default() }
    }

    /// Asks the engine, for all queries at once. What one of several finds counts even if another fails.
    pub(super) async fn search(&self, queries: &[String]) -> Result<Vec<Found>, Trouble> {
        let searches = join_all(queries.iter().take(QUERIES).map(|query| self.one(query))).await;
        let (mut found, mut failed) = (Vec::new(), None);
        for search in searches {
            match search {
                Ok(more) => found.push(more),
                Err(trouble) => failed = Some(trouble),
            }
        }
        match failed {
            Some(trouble) if found.is_empty() => Err(trouble),
            _ => Ok(self.chosen(&found)),
        }
    }

    async fn one(&self, query: &str) -> Result<Vec<Found>, Trouble> {
        let Settings { domains, location, amount, .. } = &self.settings;
        let search = Search { query, results: amount.results, domains, location };
        self.tool.web.search(self.tool.engine.as_ref(), &search).await
    }

    /// The best of each list in turn, each page once, without what the request does not want.
    fn chosen(&self, lists: &[Vec<Found>]) -> Vec<Found> {
        let (mut seen, mut chosen) = (BTreeSet::new(), Vec::new());
        let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
        for place in 0..longest {
            for found in lists.iter().filter_map(|list| list.get(place)) {
                let wanted = Url::parse(&found.url).ok().filter(|url| {
                    matches!(url.scheme(), "http" | "https") && self.settings.domains.admit(url)
                });
                if wanted.is_some() && seen.insert(found.url.clone()) {
                    chosen.push(self.shown(found));
                }
            }
        }
        chosen.truncate(self.settings.amount.results);
        chosen
    }

    fn shown(&self, found: &Found) -> Found {
        let title = one_line(&found.title);
        let title = if title.is_empty() { found.url.clone() } else { title };
        let mut text = cleaned(found.text.trim());
        text.truncate(text.floor_char_boundary(self.settings.amount.result_bytes));
        Found { title, url: found.url.clone(), text }
    }

    /// Opens a page, once in a turn.
    pub(super) async fn open(&self, url: &str) -> Result<Arc<Page>, Trouble> {
        let known =
            self.pages.lock().iter().find(|(known, _)| known == url).map(|(_, page)| Arc::clone(page));
        if let Some(page) = known {
            return Ok(page);
        }
        let page = self.tool.web.open(url, &self.settings.domains).await?;
        let (title, text) = (one_line(&page.title), cleaned(&page.text));
        let title = if title.is_empty() { page.url.clone() } else { title };
        let page = Arc::new(Page { title, text, ..page });
        let mut pages = self.pages.lock();
        if pages.len() == KEPT {
            pages.remove(0);
        }
        pages.push((url.to_owned(), Arc::clone(&page)));
        Ok(page)
    }
}

fn one_line(text: &str) -> String {
    let mut line = cleaned(text).split_whitespace().collect::<Vec<_>>().join(" ");
    line.truncate(line.floor_char_boundary(300));
    line
}
