//! The names under which a model sees the tools of MCP servers. They are resolved by this map only, never by parsing.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

/// The longest name that every upstream accepts.
const LIMIT: usize = 64;

/// The names of one turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Names of other tools, which are never given away.
    taken: BTreeSet<String>,
    by_name: BTreeMap<String, Remote>,
    by_tool: BTreeMap<Remote, String>,
}

/// A tool by its server and its own name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remote {
    /// The server.
    pub server_label: String,
    /// The server's name of it.
    pub tool: String,
}

impl Names {
    /// Starts with the names that are in use.
    pub fn new<'a>(taken: impl IntoIterator<Item = &'a str>) -> Self {
        Self { taken: taken.into_iter().map(str::to_owned).collect(), ..Self::default() }
    }

    /// Gives a tool its name: [`plain`], or if that is in use one with eight hexadecimal digits of a hash. The same tool
    /// keeps its name.
    pub fn add(&mut self, server_label: &str, tool: &str) -> String {
        if let Some(known) = self.known(server_label, tool) {
            return known.to_owned();
        }
        let mut name = plain(server_label, tool);
        let mut round = 0_u32;
        while self.taken.contains(&name) || self.by_name.contains_key(&name) {
            name = hashed(server_label, tool, round);
            round += 1;
        }
        let remote = Remote { server_label: server_label.to_owned(), tool: tool.to_owned() };
        self.by_tool.insert(remote.clone(), name.clone());
        self.by_name.insert(name.clone(), remote);
        name
    }

    /// The name of a tool.
    pub fn known(&self, server_label: &str, tool: &str) -> Option<&str> {
        let remote = Remote { server_label: server_label.to_owned(), tool: tool.to_owned() };
        self.by_tool.get(&remote).map(String::as_str)
    }

    /// What a name stands for.
    pub fn get(&self, name: &str) -> Option<&Remote> {
        self.by_name.get(name)
    }

    /// The names of a server's tools, or of one of them.
    pub fn of(&self, server_label: &str, tool: Option<&str>) -> Vec<String> {
        if let Some(tool) = tool {
            return self.known(server_label, tool).map(str::to_owned).into_iter().collect();
        }
        let meant = self.by_name.iter().filter(|(_, remote)| remote.server_label == server_label);
        meant.map(|(name, _)| name.clone()).collect()
    }

    /// The name under which the model knows a call of an earlier turn, also of a tool that is no longer there.
    pub fn of_call(&self, server_label: &str, tool: &str) -> String {
        self.known(server_label, tool).map_or_else(|| plain(server_label, tool), str::to_owned)
    }
}

/// `mcp__{label}__{tool}` in `[A-Za-z0-9_-]{1,64}`: other characters become `_`; one that is too long is cut, and ends
/// with eight hexadecimal digits of SHA-256.
pub fn plain(server_label: &str, tool: &str) -> String {
    let name = reduced(server_label, tool);
    if name.len() > LIMIT { hashed(server_label, tool, 0) } else { name }
}

fn reduced(server_label: &str, tool: &str) -> String {
    let legal = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    format!("mcp__{server_label}__{tool}").chars().map(legal).collect()
}

/// A server may choose names whose hashes meet; the round tells them apart.
fn hashed(server_label: &str, tool: &str, round: u32) -> String {
    let mut text = format!("{server_label}\0{tool}");
    if round > 0 {
        text.push_str(&format!("\0{round}"));
    }
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let mut name = reduced(server_label, tool);
    name.truncate(LIMIT - 1 - hex.len());
    format!("{name}_{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_legal(name: &str) -> bool {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (1..=LIMIT).contains(&name.len()) && name.chars().all(legal)
    }

    #[test]
    fn a_name_tells_server_and_tool() {
        assert_eq!(Names::default().add("docs", "read"), "mcp__docs__read");
        assert_eq!(plain("docs", "files/read me"), "mcp__docs__files_read_me");
    }

    #[test]
    fn a_long_name_is_cut_and_hashed() {
        let (a, b) = (plain("docs", &"a".repeat(80)), plain("docs", &"a".repeat(81)));
        assert!(is_legal(&a) && is_legal(&b) && a != b);
        assert_eq!(a.len(), LIMIT);
        assert!(is_legal(&plain("docs", &"ü".repeat(80))));
    }

    #[test]
    fn names_that_meet_are_told_apart() {
        let mut names = Names::new(["mcp__docs__read"]);
        let first = names.add("docs", "read");
        assert!(first.starts_with("mcp__docs__read_") && first.len() == "mcp__docs__read_".len() + 8);
        let (dot, slash) = (names.add("docs", "a.b"), names.add("docs", "a/b"));
        assert_eq!(dot, "mcp__docs__a_b");
        assert_ne!(dot, slash);
        assert_eq!(names.get(&slash).map(|remote| remote.tool.as_str()), Some("a/b"));
        let (left, right) = (names.add("a__b", "c"), names.add("a", "b__c"));
        assert_ne!(left, right);
        assert_eq!(names.get(&right).map(|remote| remote.server_label.as_str()), Some("a"));
        assert!(names.get("mcp__docs__read").is_none(), "the name of another tool is not given away");
    }

    #[test]
    fn a_hash_that_is_in_use_is_passed_over() {
        let clash = hashed("docs", "read", 0);
        let mut names = Names::new(["mcp__docs__read", clash.as_str()]);
        let name = names.add("docs", "read");
        assert!(is_legal(&name) && name != clash);
    }

    #[test]
    fn a_tool_keeps_its_name() {
        let mut names = Names::default();
        let (first, second) = (names.add("docs", "read"), names.add("docs", "read"));
        assert_eq!(first, second);
        assert_eq!(names.of("docs", None), [first]);
        assert_eq!(names.of_call("docs", "gone"), "mcp__docs__gone");
    }
}
