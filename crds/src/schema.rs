//! Checks objects against the definition of their kind where there is no API server.

mod walk;

use std::fmt;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::core::cel::{CompiledSchema, Validator, apply_defaults, compile_schema};
use serde_json::{Map, Value, json};

use crate::crd::Kind;
use walk::Patterns;

/// The compiled schema of one kind.
#[derive(Debug)]
pub struct Schema {
    root: Value,
    patterns: Patterns,
    rules: CompiledSchema,
    validator: Validator,
}

/// What is wrong with one field of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The field.
    ///
    /// Shape: as the API server writes it, for instance `spec.targets[0].weight`.
    pub path: String,
    /// What is wrong, in the words of the rule where a rule is broken.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.message),
            path => write!(f, "{path}: {}", self.message),
        }
    }
}

impl Schema {
    /// Compiles the schema of `kind`, rules included.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        Self::new(&(kind.crd)())
    }

    fn new(crd: &CustomResourceDefinition) -> Self {
        let root = with_envelope(spec_schemas(crd));
        let (patterns, rules) = (Patterns::of(&root), compile_schema(&root));
        Self { root, patterns, rules, validator: Validator::new() }
    }

    /// Returns `object` with the defaults of the schema in place of what it leaves out.
    #[must_use]
    pub fn defaulted(&self, object: &Value) -> Value {
        apply_defaults(&self.root, object)
    }

    /// Lists what is wrong with `object`, sorted by path; `old` is what it replaces, for rules about changes.
    ///
    /// Rules run only on objects that are sound in structure, as in the API server.
    #[must_use]
    pub fn check(&self, object: &Value, old: Option<&Value>) -> Vec<Violation> {
        let mut violations = walk::violations(&self.root, &self.patterns, &self.defaulted(object));
        if violations.is_empty() {
            violations = self.broken_rules(object, old);
        }
        violations.sort();
        violations
    }

    fn broken_rules(&self, object: &Value, old: Option<&Value>) -> Vec<Violation> {
        let Err(errors) = self.validator.validate_compiled(&self.rules, object, old) else {
            return Vec::new();
        };
        errors.into_iter().map(|error| Violation { path: error.field_path, message: error.message }).collect()
    }
}

/// Returns the schemas of the members that the definition declares.
fn spec_schemas(crd: &CustomResourceDefinition) -> Map<String, Value> {
    let version = crd.spec.versions.first();
    let schema = version.and_then(|version| version.schema.as_ref()?.open_api_v3_schema.as_ref());
    let properties = schema.and_then(|schema| schema.properties.clone()).unwrap_or_default();
    properties
        .into_iter()
        .filter_map(|(name, schema)| Some((name, serde_json::to_value(schema).ok()?)))
        .collect()
}

/// Adds the members that every object has and definitions leave to the API server.
fn with_envelope(mut properties: Map<String, Value>) -> Value {
    let text = || json!({"type": "string"});
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    properties.insert("apiVersion".into(), text());
    properties.insert("kind".into(), text());
    properties
        .insert("status".into(), json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}));
    properties.insert(
        "metadata".into(),
        json!({
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "minLength": 1, "maxLength": 253, "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"},
                "namespace": {"type": "string", "minLength": 1, "maxLength": 63, "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},
                "labels": texts,
                "annotations": texts,
            },
            "x-kubernetes-preserve-unknown-fields": true,
        }),
    );
    json!({"type": "object", "required": ["metadata", "spec"], "properties": properties})
}
