//! What the status of an MCPServer says of its tools.

use std::sync::Arc;
use std::time::Duration;

use config::delivery::{Catalog, Mismatches, PIN_MISMATCH};
use serde_json::{Map, Value, json};

use crate::status::conditions::untimed;

/// The fields that hold what was listed.
const FIELDS: [&str; 2] = ["protocolVersion", "tools"];

/// What a status says of tools.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Listed {
    /// Of the status.
    pub(crate) fields: Map<String, Value>,
    /// Tools that are not as their pins say.
    pub(crate) mismatches: Mismatches,
    /// The condition that told of such tools, where nothing is known that would change it.
    known: Option<Value>,
}

/// Chooses among what proxies have seen, each with the time when it came up, in the order of gateways and proxies.
///
/// It is the list that came up last; of equally new ones that with the least digest, so that the order in which proxies report
/// does not count. Two lists that are both seen for good do not take turns: each came up once. Tools that differ from their pins
/// are those of that list, or, if all of its tools are as they should be, of the first list of which that is not so. As long as
/// no proxy has seen a list, for instance since all are new, what the status says stays, if it is about the same content.
pub(crate) fn of(seen: &[(Duration, Arc<Catalog>)], before: &Value, serving: Option<&str>) -> Listed {
    let newest =
        seen.iter().min_by(|(at, one), (then, other)| then.cmp(at).then(one.digest.cmp(&other.digest)));
    let Some((_, newest)) = newest else { return kept(before, serving) };
    let differing = [newest].into_iter().chain(seen.iter().map(|(_, catalog)| catalog));
    let differing = differing.map(|catalog| &catalog.mismatches).find(|found| !found.is_empty());
    let tools = json!({"count": newest.count, "digest": newest.digest, "items": newest.items});
    let fields = [json!(newest.protocol), tools];
    Listed {
        fields: FIELDS.map(str::to_owned).into_iter().zip(fields).collect(),
        mismatches: differing.cloned().unwrap_or_default(),
        known: None,
    }
}

fn kept(before: &Value, serving: Option<&str>) -> Listed {
    if serving.is_none() || before["effective"]["contentHash"].as_str() != serving {
        return Listed::default();
    }
    let field = |name: &str| Some((name.to_owned(), before.get(name)?.clone()));
    let mut conditions = before["conditions"].as_array().into_iter().flatten();
    let known = conditions.find(|one| one["type"] == "Degraded" && one["reason"] == PIN_MISMATCH);
    Listed {
        fields: FIELDS.into_iter().filter_map(field).collect(),
        mismatches: Mismatches::default(),
        known: known.map(untimed),
    }
}

impl Listed {
    /// Adds what was known to conditions that do not have it.
    pub(crate) fn extend(&self, conditions: &mut Vec<Value>) {
        if let Some(known) = &self.known
            && conditions.iter().all(|one| one["type"] != known["type"])
        {
            conditions.push(known.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use config::delivery::Item;
    use config::{EntryId, Hash};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn catalog(digit: &str, mismatches: &[&str]) -> Arc<Catalog> {
        let digest = format!("sha256:{}", digit.repeat(64));
        Arc::new(Catalog {
            id: EntryId::mcp_server("a", "docs"),
            hash: Hash::of(b"x"),
            protocol: "2025-11-25".into(),
            digest: digest.clone(),
            count: 1,
            items: vec![Item { name: "add".into(), digest }],
            mismatches: Mismatches::of(mismatches.iter().copied(), false),
        })
    }

    fn digit(listed: &Listed) -> String {
        listed.fields["tools"]["digest"].as_str().unwrap_or_default().chars().last().into_iter().collect()
    }

    #[test]
    fn the_list_that_came_up_last_counts_in_whatever_order_proxies_tell_it() {
        let (a, b, c) =
            ((SECOND, catalog("a", &[])), (2 * SECOND, catalog("b", &[])), (SECOND, catalog("c", &[])));
        for seen in [[a.clone(), b.clone()], [b, a.clone()]] {
            assert_eq!(digit(&of(&seen, &Value::Null, None)), "b");
        }
        for seen in [[a.clone(), c.clone()], [c, a.clone()]] {
            assert_eq!(digit(&of(&seen, &Value::Null, None)), "a");
        }
        let listed = of(&[a], &Value::Null, None);
        assert_eq!(listed.fields["protocolVersion"], "2025-11-25");
        assert_eq!(listed.fields["tools"]["items"][0]["name"], "add");
    }

    #[test]
    fn a_tool_that_differs_anywhere_is_told() {
        let seen = [(SECOND, catalog("a", &["add"])), (2 * SECOND, catalog("b", &[]))];
        let listed = of(&seen, &Value::Null, None);
        assert_eq!(
            (digit(&listed).as_str(), listed.mismatches.names.as_slice()),
            ("b", &["add".to_owned()][..])
        );
        let both = [(SECOND, catalog("a", &["add"])), (2 * SECOND, catalog("b", &["sub"]))];
        assert_eq!(of(&both, &Value::Null, None).mismatches.names, ["sub"], "that of the list that is shown");
    }

    #[test]
    fn what_is_told_stays_while_nobody_knows_better_and_the_content_is_the_same() {
        let degraded =
            json!({"type": "Degraded", "status": "True", "reason": "PinMismatch", "message": "add"});
        let mut timed = degraded.clone();
        timed["lastTransitionTime"] = "2026-01-01T00:00:00Z".into();
        let before = json!({"effective": {"contentHash": "b3:1"}, "protocolVersion": "v", "tools": {"count": 1},
            "conditions": [{"type": "Ready"}, timed]});
        let listed = of(&[], &before, Some("b3:1"));
        assert_eq!(
            Value::Object(listed.fields.clone()),
            json!({"protocolVersion": "v", "tools": {"count": 1}})
        );
        let mut conditions = vec![json!({"type": "Ready"})];
        listed.extend(&mut conditions);
        assert_eq!(conditions[1], degraded);
        let mut other = vec![json!({"type": "Degraded", "reason": "ServingLastGood"})];
        listed.extend(&mut other);
        assert_eq!(other.len(), 1, "one of a type");
        assert_eq!(of(&[], &before, Some("b3:2")), Listed::default());
        assert_eq!(of(&[], &Value::Null, None), Listed::default());
    }
}
