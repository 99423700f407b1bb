//! The tools of a server: page after page, tool by tool, within bounds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::failure::{Failure, Reason};
use super::server::Limits;
use super::session::{Era, Page, Session};
use super::tool::{Tool, sha256};

/// The longest time for which a list is believed.
const LONGEST: Duration = Duration::from_secs(3600);

/// The tools of a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalog {
    /// Those that can be used, in the server's order.
    pub tools: Vec<Tool>,
    /// The others.
    pub problems: Vec<Problem>,
    /// The version of the protocol, such as `2025-11-25`.
    pub protocol: String,
    /// How long the server says that it holds.
    pub(super) ttl: Option<Duration>,
    /// True if it is the same for everybody.
    pub(super) is_public: bool,
    /// How much of the wire it took.
    pub(super) bytes: usize,
}

/// A tool that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its name, if it has one.
    pub tool: Option<String>,
    /// Why.
    pub flaw: Flaw,
}

/// Why a tool cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It has no name or no input schema.
    #[error("the description of the tool is malformed")]
    Malformed,
    /// The name is empty, too long, or has characters that a reader cannot see.
    #[error("the name of the tool cannot be used")]
    Name,
    /// Another tool has the same name; both are dropped.
    #[error("two tools have this name")]
    Duplicate,
    /// A schema is too large.
    #[error("a schema of the tool is too large")]
    SchemaSize,
    /// A schema nests too deep.
    #[error("a schema of the tool nests too deep")]
    SchemaDepth,
    /// An `x-mcp-header` of the schema is invalid.
    #[error("the tool asks for a header that cannot be sent")]
    Header,
}

/// What the pages so far have brought.
#[derive(Default)]
struct Pages {
    found: Vec<Result<Tool, Problem>>,
    bytes: usize,
    ttl: Option<Duration>,
    is_private: bool,
    says_scope: bool,
}

impl Catalog {
    /// A list without tools.
    pub fn empty(protocol: &str) -> Self {
        let (tools, problems) = (Vec::new(), Vec::new());
        Self { tools, problems, protocol: protocol.to_owned(), ttl: None, is_public: false, bytes: 0 }
    }

    /// The names of the tools with their digests, by name.
    pub fn digests(&self) -> BTreeMap<&str, &str> {
        self.tools.iter().map(|tool| (tool.name.as_str(), tool.digest.as_str())).collect()
    }

    /// `sha256:` and the hash of all names and digests. The order in which the server lists its tools does not count.
    pub fn digest(&self) -> String {
        let lines = self.digests().into_iter().map(|(name, digest)| format!("{digest} {name}\n"));
        sha256(&lines.collect::<String>())
    }
}

/// Asks for every page.
///
/// Errors: a page cannot be had; there are too many pages, tools or bytes; a cursor comes twice.
pub(super) async fn load(session: &Session, limits: &Limits) -> Result<Catalog, Failure> {
    let (mut pages, mut seen, mut cursor) = (Pages::default(), BTreeSet::new(), None);
    for _ in 0..limits.pages {
        let page = session.page(cursor).await?;
        let next = page.next_cursor.clone();
        pages.take(page, limits)?;
        let Some(next) = next else { return Ok(pages.conclude(session)) };
        if !seen.insert(next.clone()) {
            return Err(Reason::Repeats.into());
        }
        cursor = Some(next);
    }
    Err(Reason::Pages.into())
}

impl Pages {
    fn take(&mut self, page: Page, limits: &Limits) -> Result<(), Failure> {
        self.bytes += page.bytes;
        if self.bytes > limits.list_bytes {
            return Err(Reason::TooLarge.into());
        }
        self.ttl = [self.ttl, page.ttl].into_iter().flatten().min();
        self.is_private |= page.is_public == Some(false);
        self.says_scope |= page.is_public.is_some();
        self.found.extend(page.tools.iter().map(|raw| {
            let name = || raw.get("name").and_then(|name| name.as_str()).map(str::to_owned);
            Tool::read(raw, limits).map_err(|flaw| Problem { tool: name(), flaw })
        }));
        self.found.extend(page.problems.into_iter().map(Err));
        if self.found.len() > limits.tools {
            return Err(Reason::Tools.into());
        }
        Ok(())
    }

    fn conclude(self, session: &Session) -> Catalog {
        let is_public = self.says_scope && !self.is_private && session.era() == Era::Modern;
        let ttl = self.ttl.map(|ttl| ttl.min(LONGEST));
        let (tools, problems) = without_duplicates(self.found);
        Catalog { tools, problems, protocol: session.version(), ttl, is_public, bytes: self.bytes }
    }
}

/// Two tools of one name are both dropped: nobody knows which one is meant.
fn without_duplicates(found: Vec<Result<Tool, Problem>>) -> (Vec<Tool>, Vec<Problem>) {
    let mut counts = BTreeMap::<String, usize>::new();
    let name = |one: &Result<Tool, Problem>| match one {
        Ok(tool) => Some(tool.name.clone()),
        Err(problem) => problem.tool.clone(),
    };
    for name in found.iter().filter_map(name) {
        *counts.entry(name).or_default() += 1;
    }
    let (mut tools, mut problems) = (Vec::new(), Vec::new());
    for one in found {
        match one {
            Ok(tool) if counts.get(&tool.name).is_some_and(|count| *count > 1) => {
                problems.push(Problem { tool: Some(tool.name), flaw: Flaw::Duplicate });
            }
            Ok(tool) => tools.push(tool),
            Err(problem) => problems.push(problem),
        }
    }
    (tools, problems)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn tool(name: &str) -> Tool {
        Tool::read(&json!({"name": name, "inputSchema": {}}), &Limits::default()).expect("good")
    }

    #[test]
    fn a_bad_twin_takes_its_good_twin_along() {
        let bad = Err(Problem { tool: Some("a".into()), flaw: Flaw::Malformed });
        let (tools, problems) = without_duplicates(vec![Ok(tool("a")), bad, Ok(tool("b"))]);
        assert_eq!(tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["b"]);
        assert_eq!(
            problems.iter().map(|problem| problem.flaw).collect::<Vec<_>>(),
            [Flaw::Duplicate, Flaw::Malformed]
        );
    }

    #[test]
    fn the_digest_of_a_list_is_that_of_its_tools_in_any_order() {
        let catalog = |names: &[&str]| Catalog {
            tools: names.iter().map(|name| tool(name)).collect(),
            ..Catalog::empty("2025-11-25")
        };
        assert_eq!(catalog(&["a", "b"]).digest(), catalog(&["b", "a"]).digest());
        assert_ne!(catalog(&["a", "b"]).digest(), catalog(&["a"]).digest());
        let mut changed = catalog(&["a", "b"]);
        changed.tools[1].digest = "sha256:0".into();
        assert_ne!(catalog(&["a", "b"]).digest(), changed.digest());
    }

    proptest! {
        #[test]
        fn names_that_are_left_are_those_that_came_once(names in proptest::collection::vec("[a-d]", 0..8)) {
            let (tools, problems) = without_duplicates(names.iter().map(|name| Ok(tool(name))).collect());
            let once = |name: &&String| names.iter().filter(|other| other == name).count() == 1;
            let expected: Vec<&String> = names.iter().filter(once).collect();
            prop_assert_eq!(tools.iter().map(|tool| &tool.name).collect::<Vec<_>>(), expected);
            prop_assert_eq!(tools.len() + problems.len(), names.len());
        }
    }
}
