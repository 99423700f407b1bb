//! What the compiler is given.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::diagnostics::Problem;
use crate::grant::Grant;
use crate::hash::HashKey;
use crate::id::{GatewayId, ObjectId};
use crate::kinds::Recalled;
use crate::secret::Secret;
use crate::spec::ClusterKeys;

/// The label that every namespace has, with its name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Everything that one compilation depends on.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The custom resources, in any order; ids are unique.
    pub objects: Vec<Arc<Object>>,
    /// The values of each Secret, by key. The kind of the ids is `Secret`.
    pub secrets: BTreeMap<ObjectId, BTreeMap<String, Secret>>,
    /// The ReferenceGrants, in any order.
    pub grants: Vec<Grant>,
    /// The labels of each namespace that has any.
    pub namespaces: BTreeMap<String, BTreeMap<String, String>>,
    /// Whether objects are served by ResponsesGateways alone, as in a cluster. Otherwise, where there is none at all, every
    /// object is served by [`GatewayId::implicit`], without authentication.
    pub needs_gateway: bool,
    /// The public keys of the cluster, which check ServiceAccount tokens of callers; absent outside of one.
    pub cluster_keys: Option<ClusterKeys>,
    /// The ModelProvider for model names that name none and match no Model.
    pub fallback_provider: Option<ObjectId>,
    /// The key of the hashes of secrets.
    pub hash_key: HashKey,
}

impl World {
    /// Returns the labels of a namespace.
    pub(crate) fn labels(&self, namespace: &str) -> BTreeMap<String, String> {
        let mut labels = self.namespaces.get(namespace).cloned().unwrap_or_default();
        labels.insert(NAME_LABEL.to_owned(), namespace.to_owned());
        labels
    }

    /// Tells whether an object of ours, of `kind` and in `namespace`, may refer to `target` in another one by a ReferenceGrant there.
    pub(crate) fn grants(&self, (kind, namespace): (&str, &str), target: &ObjectId) -> bool {
        self.grants.iter().any(|grant| grant.permits((kind, namespace), target))
    }
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
    /// A spec that did not: why, and its `targetRefs` as they stand, or null.
    Invalid(Vec<Problem>, Value),
    /// What was served of an object, as a proxy gave it back. Only last good content is of this form.
    Recalled(Arc<Recalled>),
}

impl Object {
    /// Orders objects that claim one name at `gateway`: those of its own namespace first, then the older first, those of
    /// unknown age last, then by namespace and name.
    pub(crate) fn seniority(&self, gateway: &GatewayId) -> (bool, bool, Option<&str>, &ObjectId) {
        let is_foreign = self.id.namespace != gateway.namespace();
        (is_foreign, self.created.is_none(), self.created.as_deref(), &self.id)
    }
}
