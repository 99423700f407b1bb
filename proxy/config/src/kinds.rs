//! What the compiler does with each kind: one file per kind, and a row in [`find`].

mod gateway;
mod key;
mod mcp_server;
mod model;
mod provider;
mod recalled;
mod tenant;
mod tls;
mod tool_policy;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crds::model::ModelType;
use crds::reference::{self, ObjectRef};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::compile::{Scope, View};
use crate::diagnostics::Problem;
use crate::id::{EntryId, ObjectId};
use crate::spec::{CallerUrls, Spec};

pub(crate) use gateway::{implicit, tenancy};
pub use recalled::Recalled;

/// A decoded spec of some kind.
pub(crate) trait Resource: Send + Sync {
    /// Returns the gateways that the object names; absent = every one of its own namespace.
    fn gateway_refs(&self) -> Option<&[ObjectRef]> {
        None
    }

    /// Lists the objects through which this one attaches: it is meant for the gateways that they are meant for. Absent: it
    /// attaches by itself.
    fn targets(&self, _id: &ObjectId) -> Option<Vec<ObjectId>> {
        None
    }

    /// Lists what is wrong with the content and no schema can tell.
    fn check(&self) -> Vec<Problem> {
        Vec::new()
    }

    /// Lists what the object claims for itself among those of its kind.
    fn claims(&self, id: &ObjectId, view: &View<'_>) -> Vec<Claim>;

    /// Tells whether objects in the namespace `other`, which has these labels, may refer to this one, which is in `own`.
    fn admits(&self, own: &str, other: &str, _labels: &BTreeMap<String, String>) -> bool {
        own == other
    }

    /// Compiles the object; what is amiss with its references goes to `scope`. Absent: nothing of it is served.
    fn compile(&self, id: &ObjectId, scope: &mut Scope<'_>) -> Option<Spec>;

    /// Lists the Secrets that the object names.
    fn secrets(&self, _id: &ObjectId) -> Vec<ObjectId> {
        Vec::new()
    }

    /// Lists the ConfigMaps that the object names.
    fn config_maps(&self, _id: &ObjectId) -> Vec<ObjectId> {
        Vec::new()
    }

    /// Returns the object as a gateway, if it is one.
    fn as_gateway(&self) -> Option<&crds::ResponsesGateway> {
        None
    }

    /// Tells what the object does, if it is a model.
    fn model_type(&self) -> Option<ModelType> {
        None
    }

    /// Returns the namespaces that the object owns, if it is a tenant.
    fn owned(&self) -> Option<BTreeSet<String>> {
        None
    }
}

/// Something that only one object of a kind can have, among those that some tenant sees.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Claim {
    /// A public name.
    Name(String),
    /// The objects of a namespace.
    Namespace(String),
    /// A client key, by its hash.
    Key(String),
}

/// Makes what stands in for an object from its `targetRefs`.
type Guard = fn(&Value) -> Arc<dyn Resource>;

/// How objects of one kind are compiled.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// The first part of the ids of its entries.
    role: &'static str,
    /// Whether the last good content stays where the present one cannot be served.
    pub(crate) keeps_last_good: bool,
    /// Decodes a spec.
    pub(crate) decode: fn(&Value) -> Result<Arc<dyn Resource>, serde_json::Error>,
    /// Makes what takes the place of a spec that cannot be served where none was good before. Absent: nothing does.
    pub(crate) guard: Option<Guard>,
}

impl Kind {
    /// Names the entry that an object makes.
    pub(crate) fn entry(self, id: &ObjectId) -> EntryId {
        EntryId::new(self.role, &id.namespace, &id.name)
    }
}

impl EntryId {
    /// Names the entry that an object makes, whatever its kind.
    #[must_use]
    pub fn of(id: &ObjectId) -> Self {
        find(&id.kind).map_or_else(|| Self::new(&id.kind, &id.namespace, &id.name), |kind| kind.entry(id))
    }
}

/// Finds how objects of the kind called `name` are compiled.
pub(crate) fn find(name: &str) -> Option<Kind> {
    let kind = |role, decode| Kind { role, keeps_last_good: true, decode, guard: None };
    let lasting = |role, decode| Some(kind(role, decode));
    match name {
        "APIKey" => Some(Kind { keeps_last_good: false, ..kind("key", decode::<crds::ApiKey>) }),
        "MCPServer" => lasting("mcp", decode::<crds::McpServer>),
        "Model" => lasting("model", decode::<crds::Model>),
        "ModelProvider" => lasting("provider", decode::<crds::ModelProvider>),
        "ResponsesGateway" => lasting("gateway", decode::<crds::ResponsesGateway>),
        "Tenant" => lasting("tenant", decode::<crds::Tenant>),
        "ToolPolicy" => {
            Some(Kind { guard: Some(tool_policy::guard), ..kind("policy", decode::<crds::ToolPolicy>) })
        }
        _ => None,
    }
}

fn decode<R: Resource + DeserializeOwned + 'static>(
    spec: &Value,
) -> Result<Arc<dyn Resource>, serde_json::Error> {
    Ok(Arc::new(R::deserialize(spec)?))
}

/// Returns whole milliseconds of a duration that passed its schema.
fn millis(duration: &crds::Duration) -> u64 {
    duration.as_millis().unwrap_or_default()
}

/// Returns a number that passed its schema, which allows no negative one.
fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

fn set(names: &[String]) -> BTreeSet<String> {
    names.iter().cloned().collect()
}

fn caller_urls(asked: Option<&reference::CallerUrls>) -> CallerUrls {
    let asked = asked.cloned().unwrap_or_default();
    CallerUrls { mcp_servers: asked.mcp_servers, hosts: asked.hosts.as_deref().map(set) }
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
