//! The structural half of a schema: types, required and unknown fields, enumerations, patterns, bounds, duplicates.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::{Map, Value};

use super::Violation;
use crate::time::Time;

/// Lists where `value` departs from the structure that `schema` asks for.
pub(super) fn violations(schema: &Value, patterns: &Patterns, value: &Value) -> Vec<Violation> {
    let mut walk = Walk { patterns, violations: Vec::new() };
    walk.value(schema, value, "");
    walk.violations
}

/// Every pattern of a schema, compiled once.
#[derive(Debug, Default)]
pub(super) struct Patterns(BTreeMap<String, Regex>);

impl Patterns {
    /// Compiles the patterns of `schema`.
    pub(super) fn of(schema: &Value) -> Self {
        let mut patterns = Self::default();
        patterns.collect(schema);
        patterns
    }

    fn collect(&mut self, schema: &Value) {
        if let Some(pattern) = schema["pattern"].as_str() {
            self.0.extend(Regex::new(pattern).ok().map(|compiled| (pattern.to_owned(), compiled)));
        }
        let properties = schema["properties"].as_object().into_iter().flat_map(Map::values);
        let nested = [&schema["items"], &schema["additionalProperties"]];
        for schema in properties.chain(nested).filter(|schema| schema.is_object()) {
            self.collect(schema);
        }
    }

    /// Tells whether `text` matches. Nothing matches a pattern that did not compile, so that it is noticed.
    fn matches(&self, pattern: &str, text: &str) -> bool {
        self.0.get(pattern).is_some_and(|pattern| pattern.is_match(text))
    }
}

struct Walk<'a> {
    patterns: &'a Patterns,
    violations: Vec<Violation>,
}

impl Walk<'_> {
    fn report(&mut self, path: &str, message: impl Into<String>) {
        self.violations.push(Violation { path: path.to_owned(), message: message.into() });
    }

    fn value(&mut self, schema: &Value, value: &Value, path: &str) {
        let wanted = schema["type"].as_str().unwrap_or_default();
        match (wanted, value) {
            ("object", Value::Object(members)) => self.object(schema, members, path),
            ("array", Value::Array(items)) => self.array(schema, items, path),
            ("string", Value::String(text)) => self.string(schema, text, path),
            ("integer", Value::Number(number)) if number.is_i64() => {
                self.integer(schema, number.as_i64(), path);
            }
            ("boolean", Value::Bool(_)) | ("", _) => {}
            (_, found) => self.report(path, format!("must be of type {wanted}, not {}", type_name(found))),
        }
    }

    fn object(&mut self, schema: &Value, members: &Map<String, Value>, path: &str) {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for name in required.filter(|name| !members.contains_key(*name)) {
            self.report(&below(path, name), "Required value");
        }
        if let Some(most) = bound(schema, "maxProperties").filter(|most| *most < members.len()) {
            self.report(path, format!("Too many: must have at most {most} items"));
        }
        members.iter().for_each(|(name, member)| self.member(schema, (name, member), path));
    }

    fn member(&mut self, schema: &Value, (name, member): (&str, &Value), path: &str) {
        let path = below(path, name);
        let declared = schema["properties"].get(name).or_else(|| schema.get("additionalProperties"));
        match declared {
            Some(schema) => self.value(schema, member, &path),
            None if schema["x-kubernetes-preserve-unknown-fields"] == Value::Bool(true) => {}
            None => self.report(&path, "unknown field"),
        }
    }

    fn array(&mut self, schema: &Value, items: &[Value], path: &str) {
        if let Some(most) = bound(schema, "maxItems").filter(|most| *most < items.len()) {
            self.report(path, format!("Too many: must have at most {most} items"));
        }
        if let Some(least) = bound(schema, "minItems").filter(|least| *least > items.len()) {
            self.report(path, format!("should have at least {least} items"));
        }
        for (index, item) in items.iter().enumerate() {
            self.value(&schema["items"], item, &format!("{path}[{index}]"));
        }
        self.duplicates(schema, items, path);
    }

    fn duplicates(&mut self, schema: &Value, items: &[Value], path: &str) {
        let keys = schema["x-kubernetes-list-map-keys"].as_array();
        let unique =
            schema["x-kubernetes-list-type"].as_str().is_some_and(|kind| kind == "set" || kind == "map");
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate().filter(|_| unique) {
            let identity = match keys {
                Some(keys) => keys.iter().filter_map(|key| item.get(key.as_str()?)).collect(),
                None => vec![item],
            };
            let identity: Vec<String> = identity.into_iter().map(Value::to_string).collect();
            let named = identity.join(", ");
            if !seen.insert(identity) {
                self.report(&format!("{path}[{index}]"), format!("Duplicate value: {named}"));
            }
        }
    }

    fn string(&mut self, schema: &Value, text: &str, path: &str) {
        let allowed = schema["enum"].as_array();
        if let Some(allowed) = allowed.filter(|allowed| !allowed.iter().any(|value| value == text)) {
            let allowed: Vec<_> = allowed.iter().map(Value::to_string).collect();
            self.report(
                path,
                format!("Unsupported value: {text:?}: supported values: {}", allowed.join(", ")),
            );
        }
        let length = text.chars().count();
        if let Some(most) = bound(schema, "maxLength").filter(|most| *most < length) {
            self.report(path, format!("Too long: may not be more than {most} characters"));
        }
        if let Some(least) = bound(schema, "minLength").filter(|least| *least > length) {
            self.report(path, format!("should be at least {least} chars long"));
        }
        if let Some(pattern) =
            schema["pattern"].as_str().filter(|pattern| !self.patterns.matches(pattern, text))
        {
            self.report(path, format!("should match '{pattern}'"));
        }
        if schema["format"] == "date-time" && Time::new(text).as_unix_seconds().is_none() {
            self.report(path, format!("must be of type date-time: {text:?}"));
        }
    }

    fn integer(&mut self, schema: &Value, number: Option<i64>, path: &str) {
        let Some(number) = number else { return };
        if let Some(least) = limit(schema, "minimum").filter(|least| number < *least) {
            self.report(path, format!("should be greater than or equal to {least}"));
        }
        if let Some(most) = limit(schema, "maximum").filter(|most| number > *most) {
            self.report(path, format!("should be less than or equal to {most}"));
        }
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn bound(schema: &Value, name: &str) -> Option<usize> {
    schema[name].as_u64().and_then(|bound| usize::try_from(bound).ok())
}

/// Reads a numeric limit; definitions carry them as floating point numbers, and all of ours are whole.
fn limit(schema: &Value, name: &str) -> Option<i64> {
    schema[name].as_i64().or_else(|| format!("{:.0}", schema[name].as_f64()?).parse().ok())
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
