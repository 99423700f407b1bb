//! YAML documents that know the line of each field.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

/// A YAML document.
pub(super) struct Document {
    /// Its content, which may hold secrets.
    pub(super) value: Value,
    /// Where its fields stand.
    pub(super) lines: Lines,
}

/// The line of each field, by path.
#[derive(Clone, Debug)]
pub(super) struct Lines(BTreeMap<String, u64>);

/// Splits a stream into its documents; empty ones are left out. Errors: the line and what is wrong there.
pub(super) fn documents(text: &str) -> Result<Vec<Document>, (u64, String)> {
    let nodes: Result<Vec<Spanned<Node>>, _> = serde_saphyr::from_multiple_with_options(text, options());
    let nodes = nodes.map_err(|error| {
        let line = error.location().map_or(0, |location| location.line());
        (line, error.without_snippet().to_string())
    })?;
    Ok(nodes.into_iter().map(Document::from).collect())
}

/// Room for large installations, and little for aliases, which multiply.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_documents: 100_000, max_nodes: 2_000_000, max_events: 4_000_000 },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 10_000 },
    }
}

impl Lines {
    /// Returns the line of the field at `path`, or of the innermost one around it that is there.
    pub(super) fn of(&self, path: &str) -> u64 {
        let mut path = path;
        loop {
            match (self.0.get(path), path.rfind(['.', '['])) {
                (Some(line), _) => return *line,
                (None, Some(end)) => path = &path[..end],
                (None, None) => return self.0.get("").copied().unwrap_or_default(),
            }
        }
    }
}

impl From<Spanned<Node>> for Document {
    fn from(node: Spanned<Node>) -> Self {
        let mut lines = BTreeMap::new();
        let line = node.referenced.line();
        let value = node.value.flatten((String::new(), line), &mut lines);
        Self { value, lines: Lines(lines) }
    }
}

/// A value whose parts know where they stand.
#[derive(Debug)]
enum Node {
    Scalar(Value),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

impl Node {
    fn flatten(self, (path, line): (String, u64), lines: &mut BTreeMap<String, u64>) -> Value {
        let value = match self {
            Self::Scalar(value) => value,
            Self::List(items) => {
                let item = |(index, item): (usize, Spanned<Self>)| {
                    item.value.flatten((format!("{path}[{index}]"), item.referenced.line()), lines)
                };
                items.into_iter().enumerate().map(item).collect()
            }
            Self::Map(members) => {
                let mut object = Map::new();
                for (key, member) in members {
                    let below =
                        if path.is_empty() { key.value.clone() } else { format!("{path}.{}", key.value) };
                    object.insert(key.value, member.value.flatten((below, key.referenced.line()), lines));
                }
                Value::Object(object)
            }
        };
        lines.insert(path, line);
        value
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some(member) = members.next_entry()? {
            map.push(member);
        }
        Ok(Node::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const STREAM: &str = "# a comment\na: 1\nb:\n  - c: x\n    d: [true, null]\n---\n---\ne: {f: 0.5}\n";

    #[test]
    fn a_stream_falls_into_documents_without_the_empty_ones() {
        let values: Vec<_> = documents(STREAM).unwrap().into_iter().map(|document| document.value).collect();
        assert_eq!(values, [json!({"a": 1, "b": [{"c": "x", "d": [true, null]}]}), json!({"e": {"f": 0.5}})]);
    }

    #[test]
    fn every_field_knows_its_line() {
        let documents = documents(STREAM).unwrap();
        let lines: Vec<_> =
            ["", "a", "b", "b[0]", "b[0].d", "b[0].d[1]"].map(|path| documents[0].lines.of(path)).into();
        assert_eq!(lines, [2, 2, 3, 4, 5, 5]);
        assert_eq!(documents[1].lines.of("e.f"), 8);
    }

    #[test]
    fn a_field_that_is_not_there_has_the_line_of_what_is_around_it() {
        let documents = documents(STREAM).unwrap();
        assert_eq!(documents[0].lines.of("b[0].missing.more"), 4);
        assert_eq!(documents[0].lines.of("missing"), 2);
    }

    #[test]
    fn a_syntax_error_names_its_line_and_no_content() {
        let (line, message) = documents("a: 1\nkey: [sk-secret\nb: 2\n").err().unwrap();
        assert!(line >= 2, "{line}");
        assert!(!message.contains("sk-secret"), "{message}");
    }

    #[test]
    fn a_stream_may_hold_thousands_of_documents() {
        assert_eq!(documents(&"---\na: [1, 2, 3]\n".repeat(5000)).unwrap().len(), 5000);
    }

    #[test]
    fn a_document_that_grows_without_bound_is_refused() {
        let mut text = "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let alias = format!("*l{}, ", level - 1).repeat(10);
            text.push_str(&format!("l{level}: &l{level} [{alias}]\n"));
        }
        assert!(documents(&text).is_err());
    }

    #[test]
    fn a_key_that_stands_twice_is_an_error() {
        assert!(documents("a: 1\na: 2\n").is_err());
    }
}
