//! What an MCP server has listed, as proxies tell it.

use serde::{Deserialize, Serialize};

use crate::diagnostics::ConditionState;
use crate::hash::Hash;
use crate::id::EntryId;

/// Tools that are told of one server.
pub const CATALOG_ITEMS: usize = 128;
/// The most tools that are counted: no server is asked for more.
const CATALOG_COUNT: usize = 10_000;
/// Tools that are named where they are not as their pins say.
pub const CATALOG_MISMATCHES: usize = 16;
/// The reason of the condition `Degraded` where tools are not as their pins say.
pub const PIN_MISMATCH: &str = "PinMismatch";
const NAME_CHARS: usize = 128;
const VERSION_CHARS: usize = 64;

/// The tools that an MCP server has listed, with the server's own credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Catalog {
    /// The entry of the server.
    pub id: EntryId,
    /// The content of that entry.
    pub hash: Hash,
    /// The version of the protocol.
    pub protocol: String,
    /// `sha256:` and the hash of all names and digests.
    pub digest: String,
    /// How many tools there are.
    pub count: usize,
    /// The first of them by name, at most [`CATALOG_ITEMS`].
    pub items: Vec<Item>,
    /// Tools that are not as their pins say, by name.
    #[serde(default, skip_serializing_if = "Mismatches::is_empty")]
    pub mismatches: Mismatches,
}

/// A tool and its digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Item {
    /// Its name at the server.
    pub name: String,
    /// `sha256:` and the hash of what the server says of it.
    pub digest: String,
}

/// Tools that are not as their pins say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mismatches {
    /// How many there are.
    pub count: usize,
    /// The first of them, at most [`CATALOG_MISMATCHES`].
    pub names: Vec<String>,
    /// Whether they are withheld, and not only told of.
    pub withheld: bool,
}

impl Mismatches {
    /// Counts the names, which are in order, and keeps the first.
    pub fn of<'a>(names: impl Iterator<Item = &'a str>, withheld: bool) -> Self {
        let mut found = Self { withheld, ..Self::default() };
        for name in names {
            found.count += 1;
            if found.names.len() < CATALOG_MISMATCHES {
                found.names.push(name.to_owned());
            }
        }
        found
    }

    /// Tells whether every tool is as its pin says.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The condition that names them; `None` if there are none.
    #[must_use]
    pub fn condition(&self) -> Option<ConditionState> {
        let more = self.count.saturating_sub(self.names.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let fate = if self.withheld { "withheld" } else { "offered all the same" };
        let message = format!(
            "not as their pins say, and {fate}: {}{more}; see what the server lists in status.tools, and pin that if it is right",
            self.names.join(", ")
        );
        let reason = PIN_MISMATCH.to_owned();
        (!self.is_empty()).then_some(ConditionState { name: "Degraded", status: true, reason, message })
    }
}

impl Catalog {
    /// Cuts what a status could not hold. A proxy keeps these bounds by itself; one that does not spoils no status by it.
    #[must_use]
    pub fn bounded(mut self) -> Option<Self> {
        let is_sound = |item: &Item| is_name(&item.name) && is_digest(&item.digest);
        self.items.truncate(CATALOG_ITEMS);
        self.count = self.count.clamp(self.items.len(), CATALOG_COUNT);
        self.mismatches.names.truncate(CATALOG_MISMATCHES);
        self.items.sort();
        self.items.dedup_by(|one, other| one.name == other.name);
        let names = self.mismatches.names.iter().all(|name| is_name(name));
        let version = (1..=VERSION_CHARS).contains(&self.protocol.chars().count());
        (version && names && is_digest(&self.digest) && self.items.iter().all(is_sound)).then_some(self)
    }
}

fn is_name(name: &str) -> bool {
    (1..=NAME_CHARS).contains(&name.chars().count())
}

fn is_digest(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or_default();
    digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog() -> Catalog {
        let digest = format!("sha256:{}", "0".repeat(64));
        Catalog {
            id: EntryId::mcp_server("a", "docs"),
            hash: Hash::of(b"x"),
            protocol: "2025-11-25".into(),
            digest: digest.clone(),
            count: 1,
            items: vec![Item { name: "add".into(), digest }],
            mismatches: Mismatches::default(),
        }
    }

    #[test]
    fn what_a_status_could_not_hold_is_cut_or_refused() {
        assert_eq!(catalog().bounded(), Some(catalog()));
        let many = |count: usize| {
            let item = |number| Item { name: format!("t{number:04}"), ..catalog().items[0].clone() };
            (0..count).map(item).collect()
        };
        let cut = Catalog { items: many(1000), ..catalog() }.bounded().expect("cut");
        assert_eq!(cut.items.len(), CATALOG_ITEMS);
        let twice = Catalog { items: [many(1), many(1)].concat(), ..catalog() }.bounded().expect("cut");
        assert_eq!(twice.items.len(), 1, "a list by name has each name once");
        for bad in [
            Catalog { protocol: String::new(), ..catalog() },
            Catalog { protocol: "x".repeat(65), ..catalog() },
            Catalog { digest: "sha256:0".into(), ..catalog() },
            Catalog {
                items: vec![Item { name: "x".repeat(129), ..catalog().items[0].clone() }],
                ..catalog()
            },
            Catalog { items: vec![Item { digest: "x".into(), ..catalog().items[0].clone() }], ..catalog() },
            Catalog { mismatches: Mismatches::of([""].into_iter(), true), ..catalog() },
        ] {
            assert_eq!(bad.clone().bounded(), None, "{bad:?}");
        }
    }

    #[test]
    fn mismatches_are_counted_beyond_those_that_are_named() {
        let names: Vec<String> = (0..20).map(|number| format!("t{number}")).collect();
        let found = Mismatches::of(names.iter().map(String::as_str), true);
        assert_eq!((found.count, found.names.len()), (20, CATALOG_MISMATCHES));
        let condition = found.condition().expect("there are some");
        let starts = "not as their pins say, and withheld: t0, t1, ";
        assert!(condition.message.starts_with(starts), "{}", condition.message);
        assert!(condition.message.contains("t15 and 4 more; "), "{}", condition.message);
        assert_eq!(Mismatches::of(std::iter::empty(), true).condition(), None);
    }

    #[test]
    fn a_count_is_what_a_status_can_hold() {
        let counted = |count| Catalog { count, ..catalog() }.bounded().map(|catalog| catalog.count);
        assert_eq!((counted(4_000_000_000), counted(0)), (Some(CATALOG_COUNT), Some(1)));
    }
}
