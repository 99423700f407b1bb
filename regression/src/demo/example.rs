//! Values that a JSON schema allows, with the user's words where they fit.

use serde_json::{Map, Value, json};

/// A schema may nest without end.
const DEEPEST: usize = 8;

/// Arguments for a function.
pub(super) fn arguments(schema: &Value, text: &str) -> Value {
    let made = value(schema, text);
    if made.is_object() { made } else { json!({}) }
}

/// A value of the schema.
pub(super) fn value(schema: &Value, text: &str) -> Value {
    Maker { root: schema, text }.make(schema, "", 0)
}

struct Maker<'a> {
    root: &'a Value,
    text: &'a str,
}

impl Maker<'_> {
    fn make(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth > DEEPEST {
            return Value::Null;
        }
        if let Some(fixed) = schema.get("const").or_else(|| schema.pointer("/enum/0")) {
            return fixed.clone();
        }
        let pointer = schema["$ref"].as_str().and_then(|path| path.strip_prefix('#'));
        if let Some(target) = pointer.and_then(|path| self.root.pointer(path)) {
            return self.make(target, name, depth + 1);
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            if let Some(first) =
                schema[key].as_array().and_then(|choices| choices.iter().find(|c| not_null(c)))
            {
                return self.make(first, name, depth + 1);
            }
        }
        self.of_type(schema, name, depth)
    }

    fn of_type(&self, schema: &Value, name: &str, depth: usize) -> Value {
        let kind = &schema["type"];
        let kind = kind
            .as_str()
            .or_else(|| kind.as_array()?.iter().filter_map(Value::as_str).find(|k| *k != "null"));
        match kind {
            Some("string") => self.string(name).into(),
            Some("integer") => self.number().trunc().to_string().parse::<i64>().unwrap_or(1).into(),
            Some("number") => self.number().into(),
            Some("boolean") => true.into(),
            Some("array") => json!([self.make(&schema["items"], name, depth + 1)]),
            Some("object") => self.object(schema, depth),
            _ => Value::Null,
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let properties = schema["properties"].as_object();
        let make = |(name, schema): (&String, &Value)| (name.clone(), self.make(schema, name, depth + 1));
        let fields: Map<String, Value> = properties.into_iter().flatten().map(make).collect();
        Value::Object(fields)
    }

    /// A name of the user's text, such as a city; all of it for words that want a sentence.
    fn string(&self, name: &str) -> String {
        let sentence =
            ["query", "thought", "question", "text", "message", "input"].iter().any(|n| name.contains(n));
        let trim = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
        let words = || self.text.split_whitespace().skip(1).map(trim);
        let named = words().filter(|word| word.chars().next().is_some_and(char::is_uppercase)).last();
        if sentence { self.text.to_owned() } else { named.unwrap_or_else(|| self.text.to_owned()) }
    }

    /// The first number of the user's text, else 1.
    fn number(&self) -> f64 {
        let mut words = self.text.split(|c: char| !c.is_ascii_digit() && c != '.');
        words.find_map(|word| word.parse().ok()).unwrap_or(1.0)
    }
}

fn not_null(schema: &Value) -> bool {
    schema["type"] != "null"
}
