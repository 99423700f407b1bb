//! Reads one custom resource from its document.

use std::collections::BTreeMap;

use crds::schema::Schema;
use serde_json::{Value, json};

use crate::compile::Compiled;
use crate::diagnostics::Problem;
use crate::id::ObjectId;
use crate::world::{Body, Object};

/// The compiled schemas of every kind. Costly to make: made once.
#[derive(Debug)]
pub struct Schemas(BTreeMap<&'static str, Schema>);

impl Schemas {
    /// Compiles the schemas of every kind.
    #[must_use]
    pub fn new() -> Self {
        Self(crds::KINDS.iter().map(|kind| (kind.name, Schema::of(*kind))).collect())
    }

    /// Reads the object `id` from its document: checks it against schema and rules, and fills in defaults.
    ///
    /// `last` has what the object was before, for rules about changes.
    #[must_use]
    pub fn object(&self, id: ObjectId, document: &Value, last: &Compiled) -> Object {
        let body = self.body(&id, document, last);
        object(id, document, body)
    }

    /// Reads the object `id` from the document that an API server has stored, and fills in defaults.
    ///
    /// The server has checked it, perhaps against a later schema: fields that are unknown here do no harm.
    #[must_use]
    pub fn stored(&self, id: ObjectId, document: &Value) -> Object {
        let body = match self.0.get(id.kind.as_str()) {
            Some(schema) => Body::Valid(schema.defaulted(document)["spec"].take()),
            None => Body::Invalid(vec![unknown_kind(&id)], Value::Null),
        };
        object(id, document, body)
    }

    fn body(&self, id: &ObjectId, document: &Value, last: &Compiled) -> Body {
        let version = format!("{}/{}", crds::GROUP, crds::VERSION);
        let targets = || document["spec"]["targetRefs"].clone();
        if document["apiVersion"] != version {
            let problem = Problem::invalid("apiVersion", format!("must be {version}"));
            return Body::Invalid(vec![problem], targets());
        }
        let Some(schema) = self.0.get(id.kind.as_str()) else {
            return Body::Invalid(vec![unknown_kind(id)], Value::Null);
        };
        let violations = schema.check(document, before(id, last).as_ref());
        if violations.is_empty() {
            return Body::Valid(schema.defaulted(document)["spec"].take());
        }
        let problems =
            violations.into_iter().map(|violation| Problem::invalid(violation.path, violation.message));
        Body::Invalid(problems.collect(), targets())
    }
}

impl Default for Schemas {
    fn default() -> Self {
        Self::new()
    }
}

fn object(id: ObjectId, document: &Value, body: Body) -> Object {
    let metadata = &document["metadata"];
    Object {
        id,
        generation: metadata["generation"].as_i64().unwrap_or(1),
        created: metadata["creationTimestamp"].as_str().map(str::to_owned),
        body,
    }
}

fn unknown_kind(id: &ObjectId) -> Problem {
    Problem::invalid("kind", format!("unknown kind {:?}", id.kind))
}

/// Returns the document that `id` had when it was last accepted.
fn before(id: &ObjectId, last: &Compiled) -> Option<Value> {
    match &last.last_good.get(id)?.values().next()?.body {
        Body::Valid(spec) => Some(json!({"spec": spec})),
        Body::Invalid(..) | Body::Recalled(_) => None,
    }
}
