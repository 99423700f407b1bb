//! What the compiler does with each kind: one file per kind, and a row in [`find`].

mod model;
mod provider;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::compile::Scope;
use crate::id::{EntryId, ObjectId};
use crate::spec::Spec;

/// A decoded spec of some kind.
pub(crate) trait Resource {
    /// Lists the public names that the object claims among those of its kind.
    fn names(&self, id: &ObjectId) -> Vec<String>;

    /// Tells whether objects in the namespace `other` may refer to this one, which is in `own`.
    fn admits(&self, own: &str, other: &str) -> bool {
        own == other
    }

    /// Compiles the object; what is amiss with its references goes to `scope`.
    fn compile(&self, id: &ObjectId, scope: &mut Scope<'_>) -> Spec;
}

/// How objects of one kind are compiled.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// The first part of the ids of its entries.
    role: &'static str,
    /// Decodes a spec.
    pub(crate) decode: fn(&Value) -> Result<Box<dyn Resource>, serde_json::Error>,
}

impl Kind {
    /// Names the entry that an object makes.
    pub(crate) fn entry(self, id: &ObjectId) -> EntryId {
        EntryId::new(self.role, &id.namespace, &id.name)
    }
}

/// Finds how objects of the kind called `name` are compiled.
pub(crate) fn find(name: &str) -> Option<Kind> {
    match name {
        "Model" => Some(Kind { role: "model", decode: decode::<crds::Model> }),
        "ModelProvider" => Some(Kind { role: "provider", decode: decode::<crds::ModelProvider> }),
        _ => None,
    }
}

fn decode<R: Resource + DeserializeOwned + 'static>(
    spec: &Value,
) -> Result<Box<dyn Resource>, serde_json::Error> {
    Ok(Box::new(R::deserialize(spec)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_compiled() {
        let missing: Vec<_> = crds::KINDS.iter().filter(|kind| find(kind.name).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
