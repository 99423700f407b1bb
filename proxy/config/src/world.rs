//! What the compiler is given.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::diagnostics::Problem;
use crate::hash::HashKey;
use crate::id::ObjectId;
use crate::secret::Secret;

/// Everything that one compilation depends on.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The custom resources, in any order; ids are unique.
    pub objects: Vec<Object>,
    /// The values of each Secret, by key. The kind of the ids is `Secret`.
    pub secrets: BTreeMap<ObjectId, BTreeMap<String, Secret>>,
    /// The ModelProvider for model names that name none and match no Model.
    pub fallback_provider: Option<ObjectId>,
    /// The key of the hashes of secrets.
    pub hash_key: HashKey,
}

/// One custom resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Names the object.
    pub id: ObjectId,
    /// Counts the changes of its spec.
    pub generation: i64,
    /// When it was created (RFC 3339, UTC), where that is known: of two objects that claim one name, the older wins.
    pub created: Option<String>,
    /// What it asks for.
    pub body: Body,
}

/// What an object asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// A spec that passed the schema and the rules of its kind, with defaults filled in.
    Valid(Value),
    /// A spec that did not, and why.
    Invalid(Vec<Problem>),
}

impl Object {
    /// Orders objects that claim one name: the older first, those of unknown age last, then by namespace and name.
    pub(crate) fn seniority(&self) -> (bool, Option<&str>, &ObjectId) {
        (self.created.is_none(), self.created.as_deref(), &self.id)
    }
}
