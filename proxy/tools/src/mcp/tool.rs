//! A tool as its server describes it.

use protocol::Object;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::catalog::Flaw;
use super::schema;
use super::server::Limits;
use crate::text;

/// The longest name of a tool.
const NAME_BYTES: usize = 128;

/// A tool as its server describes it, within the bounds and with texts that a reader can see.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its own name.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// For the model.
    pub description: Option<String>,
    /// JSON Schema of the arguments: an object.
    pub input_schema: Object,
    /// JSON Schema of the structured result.
    pub output_schema: Option<Value>,
    /// Hints, which a server may get wrong.
    pub annotations: Option<Object>,
    /// `sha256:` and the hash of what the server said, before anything was cleaned or cut: name, description, schemas and
    /// annotations in canonical JSON.
    pub digest: String,
}

impl Tool {
    /// Reads a tool and judges it.
    ///
    /// Errors: the first [`Flaw`] for which it cannot be used.
    pub(super) fn read(raw: &Value, limits: &Limits) -> Result<Self, Flaw> {
        let name = raw.get("name").and_then(Value::as_str).ok_or(Flaw::Malformed)?;
        if name.is_empty() || name.len() > NAME_BYTES || text::cleaned(name) != name {
            return Err(Flaw::Name);
        }
        let mut input =
            raw.get("inputSchema").filter(|schema| schema.is_object()).ok_or(Flaw::Malformed)?.clone();
        let mut output = raw.get("outputSchema").filter(|schema| !schema.is_null()).cloned();
        for schema in std::iter::once(&mut input).chain(output.as_mut()) {
            admit(schema, limits)?;
            schema::clean(schema);
        }
        let Value::Object(input_schema) = input else { return Err(Flaw::Malformed) };
        let words = |key: &str| raw.get(key).and_then(Value::as_str).map(text::cleaned);
        Ok(Self {
            name: name.to_owned(),
            title: words("title").map(|title| text::cut(title, limits.description_bytes)),
            description: words("description").map(|words| text::cut(words, limits.description_bytes)),
            input_schema,
            output_schema: output,
            annotations: raw.get("annotations").and_then(Value::as_object).cloned(),
            digest: digest(raw),
        })
    }

    /// As it stands in the `tools` of an `mcp_list_tools`.
    pub fn to_listed(&self) -> Object {
        let mut listed = Object::from_iter([
            ("name".to_owned(), json!(self.name)),
            ("input_schema".to_owned(), Value::Object(self.input_schema.clone())),
        ]);
        listed.extend(self.description.iter().map(|words| ("description".to_owned(), json!(words))));
        listed.extend(self.annotations.iter().map(|hints| ("annotations".to_owned(), json!(hints))));
        listed
    }
}

fn admit(schema: &Value, limits: &Limits) -> Result<(), Flaw> {
    if !schema::is_shallow(schema, limits.schema_depth) {
        return Err(Flaw::SchemaDepth);
    }
    if schema.to_string().len() > limits.schema_bytes {
        return Err(Flaw::SchemaSize);
    }
    Ok(())
}

fn digest(raw: &Value) -> String {
    let keys = ["name", "description", "inputSchema", "outputSchema", "annotations"];
    let known = |key: &str| Some((key.to_owned(), raw.get(key).filter(|value| !value.is_null())?.clone()));
    let said = Value::Object(keys.into_iter().filter_map(known).collect());
    sha256(&text::canonical(&said))
}

/// `sha256:` and the hash of a text.
pub(super) fn sha256(text: &str) -> String {
    let hash = Sha256::digest(text);
    hash.iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &Value) -> Result<Tool, Flaw> {
        Tool::read(raw, &Limits::default())
    }

    #[test]
    fn what_a_model_reads_is_clean_and_bounded() {
        let raw = json!({"name": "t", "description": format!("a\u{200b}{}", "b".repeat(5000)),
            "inputSchema": {"type": "object", "properties": {"x": {"description": "c\u{202e}d"}}}});
        let tool = read(&raw).expect("good");
        let description = tool.description.expect("there");
        assert!(description.starts_with("ab") && description.ends_with("[truncated: 4096 of 5001 bytes]"));
        assert_eq!(tool.input_schema["properties"]["x"]["description"], "cd");
    }

    #[test]
    fn a_tool_that_cannot_be_used_says_why() {
        let deep = (0..40).fold(json!({}), |inner, _| json!({"items": inner}));
        let large = json!({"description": "x".repeat(70_000)});
        for (raw, flaw) in [
            (json!({"inputSchema": {}}), Flaw::Malformed),
            (json!({"name": "t", "inputSchema": null}), Flaw::Malformed),
            (json!({"name": "", "inputSchema": {}}), Flaw::Name),
            (json!({"name": "a\u{200b}b", "inputSchema": {}}), Flaw::Name),
            (json!({"name": "x".repeat(129), "inputSchema": {}}), Flaw::Name),
            (json!({"name": "t", "inputSchema": deep}), Flaw::SchemaDepth),
            (json!({"name": "t", "inputSchema": {}, "outputSchema": large}), Flaw::SchemaSize),
        ] {
            assert_eq!(read(&raw).err(), Some(flaw), "{}", &raw.to_string()[..40.min(raw.to_string().len())]);
        }
    }

    #[test]
    fn the_digest_shows_every_change_even_one_that_nobody_sees() {
        let base = json!({"name": "t", "description": "d", "inputSchema": {"type": "object"}});
        let same = json!({"inputSchema": {"type": "object"}, "description": "d", "name": "t", "title": "T"});
        let digest = |raw: &Value| read(raw).expect("good").digest;
        assert_eq!(digest(&base), digest(&same));
        assert_eq!(digest(&base).len(), "sha256:".len() + 64);
        for (key, value) in [
            ("description", json!("d\u{200b}")),
            ("inputSchema", json!({"type": "object", "required": []})),
            ("annotations", json!({"readOnlyHint": true})),
            ("outputSchema", json!({})),
        ] {
            let mut changed = base.clone();
            changed[key] = value;
            assert_ne!(digest(&base), digest(&changed), "{key}");
        }
    }

    #[test]
    fn the_listed_form_has_the_names_of_the_api() {
        let raw =
            json!({"name": "t", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true}});
        let tool = read(&raw).expect("good");
        assert_eq!(tool.annotations.as_ref().expect("said")["readOnlyHint"], true);
        let listed =
            json!({"name": "t", "input_schema": {"type": "object"}, "annotations": {"readOnlyHint": true}});
        assert_eq!(Value::Object(tool.to_listed()), listed);
    }
}
