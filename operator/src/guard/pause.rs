//! Pauses: a gateway to which nothing is published. What it routes stays as it was. Who may do what goes on to follow the
//! cluster, since a pause must not keep anything open that was closed: keys, tenants, tool policies, the fields of
//! [`PERMISSIONS`], grants, and the values of Secrets. A policy that is deleted meanwhile stays.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use config::{Body, Compiled, GatewayId, Object, ObjectId, Snapshot, World, compile, wanted};

use super::{GATEWAY, Marks, routes};

/// The fields by which objects say who may do what.
const PERMISSIONS: [&str; 7] = [
    "allowedNamespaces",
    "approval",
    "authentication",
    "callerCredentials",
    "callerURLs",
    "directModels",
    "infrastructure",
];
/// The same of an MCPServer. Of a gateway, `tools` says what is run, and not who may.
const OF_SERVERS: &str = "tools";
const POLICY: &str = "ToolPolicy";

/// The gateways that are paused, each with what it serves meanwhile.
#[derive(Default)]
pub(super) struct Pauses {
    asked: BTreeSet<GatewayId>,
    frozen: BTreeMap<GatewayId, Frozen>,
}

/// What a gateway served when it was paused.
struct Frozen {
    objects: Vec<Arc<Object>>,
    /// The keys and tenants that were there; they are followed, and no others come.
    followed: BTreeSet<ObjectId>,
    compiled: Compiled,
}

impl Pauses {
    /// Freezes what is paused from now on, and forgets what is not any more. What was never compiled cannot be frozen yet.
    pub(super) fn look(&mut self, last: &Compiled, marks: &Marks) {
        self.asked.clone_from(&marks.paused);
        self.frozen.retain(|id, _| marks.paused.contains(id));
        for id in &marks.paused {
            if !self.frozen.contains_key(id) && last.snapshots.contains_key(id) {
                self.frozen.insert(id.clone(), Frozen::of(id, last));
            }
        }
    }

    /// Freezes a gateway anew, with what has become known meanwhile.
    pub(super) fn forget(&mut self, gateway: &GatewayId) {
        self.frozen.remove(gateway);
    }

    /// The Secrets that frozen objects name.
    pub(super) fn wanted(&self) -> BTreeSet<ObjectId> {
        self.frozen.values().flat_map(|frozen| wanted(&frozen.objects, &frozen.compiled)).collect()
    }

    /// Compiles what is frozen with what is followed.
    pub(super) fn compile(&mut self, world: &World, marks: &Marks) {
        for frozen in self.frozen.values_mut() {
            let world = World {
                objects: frozen.objects(world, marks),
                secrets: world.secrets.clone(),
                config_maps: world.config_maps.clone(),
                grants: world.grants.clone(),
                namespaces: world.namespaces.clone(),
                needs_gateway: true,
                cluster_keys: world.cluster_keys.clone(),
                fallback_provider: world.fallback_provider.clone(),
                hash_key: world.hash_key.clone(),
            };
            frozen.compiled = compile(&world, &frozen.compiled);
        }
    }

    /// What a gateway serves while it is paused.
    pub(super) fn snapshot(&self, gateway: &GatewayId) -> Option<&Arc<Snapshot>> {
        self.compiled(gateway)?.snapshots.get(gateway)
    }

    /// What there is to say about the objects of a gateway that is frozen.
    pub(super) fn compiled(&self, gateway: &GatewayId) -> Option<&Compiled> {
        self.frozen.get(gateway).map(|frozen| &frozen.compiled)
    }

    pub(super) fn is_asked(&self, gateway: &GatewayId) -> bool {
        self.asked.contains(gateway)
    }
}

impl Frozen {
    fn of(gateway: &GatewayId, last: &Compiled) -> Self {
        let known = last.last_good.iter().chain(&last.guarded);
        let served = known.filter(|(id, _)| routes(id) || id.kind == GATEWAY);
        let served = served.filter_map(|(_, served)| served.get(gateway));
        let serves = |id: &&ObjectId| {
            let attachment = last.diagnostics[*id].gateways.get(gateway);
            matches!(id.kind.as_str(), "APIKey" | "Tenant")
                && attachment.is_some_and(|at| at.serving.is_some())
        };
        Self {
            objects: served.cloned().collect(),
            followed: last.diagnostics.keys().filter(serves).cloned().collect(),
            compiled: last.clone(),
        }
    }

    /// The frozen objects with the permissions that hold at present, and the followed ones as they are.
    fn objects(&self, world: &World, marks: &Marks) -> Vec<Arc<Object>> {
        let present: BTreeMap<&ObjectId, &Arc<Object>> =
            world.objects.iter().map(|object| (&object.id, object)).collect();
        let stays = |object: &&Arc<Object>| {
            let is_followed = object.id.kind == POLICY && present.contains_key(&object.id);
            marks.staying.contains(&object.id.namespace) && !is_followed
        };
        let policies = world.objects.iter().filter(|object| object.id.kind == POLICY).cloned();
        let frozen = self.objects.iter().filter(stays);
        let frozen = frozen.map(|object| permitted(object, present.get(&object.id).copied()));
        let followed = self.followed.iter().filter_map(|id| present.get(id).copied().cloned());
        frozen.chain(followed).chain(policies).collect()
    }
}

/// A frozen object that permits what the present one does. One that is not there, or not valid, changes nothing.
fn permitted(frozen: &Object, present: Option<&Arc<Object>>) -> Arc<Object> {
    let mut object = frozen.clone();
    if let (Body::Valid(spec), Some(Body::Valid(present))) =
        (&mut object.body, present.map(|present| &present.body))
        && let Some(spec) = spec.as_object_mut()
    {
        let of_servers = (frozen.id.kind == "MCPServer").then_some(OF_SERVERS);
        for field in PERMISSIONS.into_iter().chain(of_servers) {
            match present.get(field) {
                Some(value) => drop(spec.insert(field.to_owned(), value.clone())),
                None => drop(spec.remove(field)),
            }
        }
    }
    Arc::new(object)
}
