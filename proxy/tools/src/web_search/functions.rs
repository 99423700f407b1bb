//! The functions that the model sees, and what runs them.

use std::sync::Arc;

use agent::model::{ModelTool, ToolInput};
use agent::tool::{ServerTool, Source, ToolCall, ToolOutcome};
use async_trait::async_trait;
use protocol::Object;
use protocol::responses::tool::HostedTool;
use serde_json::{Value, json};

use super::session::Session;
use super::web::Trouble;
use super::{FAMILY, find, told};
use crate::builtin::{Executor, Offer};
use crate::progress::Reporter;

const SEARCH: &str = "Searches the web and returns titles, URLs and short passages. Use it for what you do not know or what may \
have changed.";
const OPEN: &str = "Opens a web page by its URL and returns its text.";
const FIND: &str = "Looks for a text in a web page and returns the places where it stands.";

/// Longest name of a function.
const NAME: usize = 64;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Function {
    Search,
    Open,
    Find,
}

/// What the model may call: pages only where the request lets them be fetched.
pub(super) fn offers(tool: &HostedTool, session: &Arc<Session>) -> Vec<Offer> {
    let functions: &[Function] = match session.settings.is_live {
        true => &[Function::Search, Function::Open, Function::Find],
        false => &[Function::Search],
    };
    let offer = |function: &Function| Offer {
        model: function.declaration(tool, session),
        tool: ServerTool::WebSearch,
        executor: Arc::new(Run { function: *function, session: Arc::clone(session) }),
    };
    functions.iter().map(offer).collect()
}

impl Function {
    fn declaration(self, tool: &HostedTool, session: &Session) -> ModelTool {
        let text = |description: &str| json!({"type": "string", "description": description});
        let properties = match self {
            Self::Search => json!({"query": text("What to search for, in the words of a search engine.")}),
            Self::Open => json!({
                "url": text("The URL of the page, from a result or from the user."),
                "start": {"type": "integer", "description": "Where to begin in a long page; 0 is its beginning."},
            }),
            Self::Find => {
                json!({"url": text("The URL of the page."), "pattern": text("The text to look for.")})
            }
        };
        let required: &[&str] = match self {
            Self::Search => &["query"],
            Self::Open => &["url"],
            Self::Find => &["url", "pattern"],
        };
        let parameters = json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        });
        let input = ToolInput::Schema { parameters: Some(parameters), strict: Some(false) };
        ModelTool {
            name: self.name(tool.text("alias")),
            description: Some(self.description(tool, session)),
            input,
        }
    }

    fn name(self, alias: Option<&str>) -> String {
        let (usual, end) = match self {
            Self::Search => (FAMILY, ""),
            Self::Open => ("web", "_open_page"),
            Self::Find => ("web", "_find_in_page"),
        };
        let base = alias.unwrap_or(usual);
        format!("{}{end}", &base[..base.floor_char_boundary(NAME - end.len())])
    }

    fn description(self, tool: &HostedTool, session: &Session) -> String {
        match self {
            Self::Open => return OPEN.to_owned(),
            Self::Find => return FIND.to_owned(),
            Self::Search => {}
        }
        let mut words = tool.text("alias_description").unwrap_or(SEARCH).to_owned();
        if let Some(place) = session.settings.location.words() {
            words.push_str(&format!(" The user is {place}."));
        }
        let allowed = &session.settings.domains.allowed;
        if !allowed.is_empty() && allowed.len() <= 10 {
            words.push_str(&format!(" It finds only pages of {}.", allowed.join(", ")));
        }
        words
    }
}

struct Run {
    function: Function,
    session: Arc<Session>,
}

#[async_trait]
impl Executor for Run {
    fn label(&self) -> &'static str {
        FAMILY
    }

    fn is_entry(&self) -> bool {
        self.function == Function::Search
    }

    async fn execute(&self, call: &ToolCall, _progress: &Reporter) -> ToolOutcome {
        let arguments = serde_json::from_str::<Object>(&call.arguments).unwrap_or_default();
        match self.function {
            Function::Search => self.search(&arguments).await,
            Function::Open => self.open(&arguments).await,
            Function::Find => self.find(&arguments).await,
        }
    }
}

impl Run {
    async fn search(&self, arguments: &Object) -> ToolOutcome {
        let queries = queries(arguments);
        if queries.is_empty() {
            return ToolOutcome::failure("The search failed: give a query.");
        }
        let found = match self.session.search(&queries).await {
            Ok(found) => found,
            Err(trouble) => return failed("The search failed", &trouble),
        };
        let urls: Vec<Value> = found.iter().map(|found| json!({"type": "url", "url": found.url})).collect();
        let action = json!({"type": "search", "query": queries[0], "queries": queries, "sources": urls});
        let results = found.iter().map(|found| result(&found.url, &found.title, &found.text)).collect();
        let source = |found: &super::Found| Source { url: found.url.clone(), title: found.title.clone() };
        ToolOutcome {
            shown: shown(action, results),
            sources: found.iter().map(source).collect(),
            ..ToolOutcome::text(told::results(&found))
        }
    }

    async fn open(&self, arguments: &Object) -> ToolOutcome {
        let Some(url) = text(arguments, "url") else {
            return ToolOutcome::failure("The page was not opened: give its url.");
        };
        let page = match self.session.open(url).await {
            Ok(page) => page,
            Err(trouble) => return failed("The page was not opened", &trouble),
        };
        let start = arguments.get("start").and_then(Value::as_u64).unwrap_or(0);
        let start = page.text.floor_char_boundary(usize::try_from(start).unwrap_or(usize::MAX));
        let end =
            page.text.floor_char_boundary(start.saturating_add(self.session.settings.amount.page_bytes));
        let part = &page.text[start..end];
        let next = (end < page.text.len()).then_some(end);
        let action = json!({"type": "open_page", "url": url});
        ToolOutcome {
            shown: shown(action, vec![result(&page.url, &page.title, part)]),
            sources: sources(url, &page),
            ..ToolOutcome::text(told::page(&page, (start, part, next)))
        }
    }

    async fn find(&self, arguments: &Object) -> ToolOutcome {
        let (Some(url), Some(pattern)) = (text(arguments, "url"), text(arguments, "pattern")) else {
            return ToolOutcome::failure("Nothing was looked for: give the url of the page and a pattern.");
        };
        let page = match self.session.open(url).await {
            Ok(page) => page,
            Err(trouble) => return failed("The page was not opened", &trouble),
        };
        let places = find::places(&page.text, pattern);
        let action = json!({"type": "find_in_page", "url": url, "pattern": pattern});
        let results = places.iter().map(|place| result(&page.url, &page.title, place)).collect();
        ToolOutcome {
            shown: shown(action, results),
            sources: sources(url, &page),
            ..ToolOutcome::text(told::places(&page, &places))
        }
    }
}

/// A page may be cited by the URL that was asked for and by the one where it is.
fn sources(asked: &str, page: &super::page::Page) -> Vec<Source> {
    let source = |url: &str| Source { url: url.to_owned(), title: page.title.clone() };
    if asked == page.url { vec![source(asked)] } else { vec![source(asked), source(&page.url)] }
}

fn result(url: &str, title: &str, text: &str) -> Value {
    json!({"url": url, "title": title, "text": text})
}

fn shown(action: Value, results: Vec<Value>) -> Object {
    [("action".to_owned(), action), ("results".to_owned(), Value::Array(results))].into_iter().collect()
}

fn failed(what: &str, trouble: &Trouble) -> ToolOutcome {
    ToolOutcome::failure(format!("{what}: {trouble}."))
}

/// One query, or several.
fn queries(arguments: &Object) -> Vec<String> {
    let several = arguments.get("queries").and_then(Value::as_array).into_iter().flatten();
    let mut queries: Vec<String> = Vec::new();
    for query in arguments.get("query").into_iter().chain(several).filter_map(Value::as_str).map(str::trim) {
        if !query.is_empty() && !queries.iter().any(|known| known == query) {
            queries.push(query.to_owned());
        }
    }
    queries
}

fn text<'a>(arguments: &'a Object, key: &str) -> Option<&'a str> {
    arguments.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_apart_and_short_whatever_the_alias() {
        for alias in [None, Some("look"), Some(&*"x".repeat(63)), Some(&*"é".repeat(50))] {
            let names =
                [Function::Search, Function::Open, Function::Find].map(|function| function.name(alias));
            let [search, open, find] = &names;
            assert!(open.ends_with("_open_page") && find.ends_with("_find_in_page"), "{names:?}");
            assert!(
                names.iter().all(|name| name.len() <= NAME) && search != open && open != find,
                "{names:?}"
            );
        }
        assert_eq!(Function::Search.name(Some("look")), "look");
    }
}
