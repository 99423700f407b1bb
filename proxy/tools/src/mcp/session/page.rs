//! A page of a tool list, out of the JSON that rmcp hands on.

use std::time::Duration;

use serde_json::Value;

use super::lenient::Report;
use crate::mcp::catalog::{Flaw, Problem};

/// A page of a tool list.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Page {
    pub(crate) tools: Vec<Value>,
    /// Tools that did not come through.
    pub(crate) problems: Vec<Problem>,
    pub(crate) next_cursor: Option<String>,
    pub(crate) bytes: usize,
    pub(crate) ttl: Option<Duration>,
    /// `None` if the server does not say.
    pub(crate) is_public: Option<bool>,
}

impl Page {
    /// Reads `{"tools": […], …}`.
    pub(super) fn read(page: &Value) -> Option<Self> {
        let tools = page.get("tools")?.as_array()?.clone();
        let text = |key: &str| page.get(key).and_then(Value::as_str);
        Some(Self {
            problems: problems(&tools, &Report::of(page)),
            next_cursor: text("nextCursor").map(str::to_owned),
            bytes: page.to_string().len(),
            ttl: page.get("ttlMs").and_then(Value::as_u64).map(Duration::from_millis),
            is_public: text("cacheScope").map(|scope| scope == "public"),
            tools,
        })
    }
}

/// The malformed ones, and those that were sent and are not there: rmcp drops tools whose header annotations are invalid.
fn problems(tools: &[Value], report: &Report) -> Vec<Problem> {
    let is_there =
        |name: &String| tools.iter().any(|tool| tool.get("name").and_then(Value::as_str) == Some(name));
    let gone = report.names.iter().filter(|name| !is_there(name));
    let malformed = report.malformed.iter().map(|name| Problem { tool: name.clone(), flaw: Flaw::Malformed });
    let refused = gone.map(|name| Problem { tool: Some(name.clone()), flaw: Flaw::Header });
    malformed.chain(refused).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_sent_and_did_not_arrive_is_reported() {
        let report = Report { names: vec!["a".into(), "b".into()], malformed: vec![None] };
        let mut page =
            json!({"tools": [{"name": "a"}], "nextCursor": "2", "ttlMs": 5, "cacheScope": "private"});
        report.write(page.as_object_mut().expect("object"));
        let page = Page::read(&page).expect("a page");
        assert_eq!((page.next_cursor.as_deref(), page.is_public), (Some("2"), Some(false)));
        assert_eq!(page.ttl, Some(Duration::from_millis(5)));
        let problem = |tool: Option<&str>, flaw| Problem { tool: tool.map(str::to_owned), flaw };
        assert_eq!(page.problems, [problem(None, Flaw::Malformed), problem(Some("b"), Flaw::Header)]);
        assert_eq!(Page::read(&json!({"tools": 3})), None);
    }
}
