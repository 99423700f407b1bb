//! What stands between the compiler and the proxies: a brake on removals, and pauses. Pure: time is given.

mod pause;
mod removal;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use config::{Compiled, GatewayId, Object, ObjectId, Serving, Snapshot, World, compile, wanted};

use crate::delivery::fleet::Time;
use crate::recall::Found;
use pause::Pauses;
use removal::Brake;
pub(crate) use removal::Held;

/// What people have said about gateways by annotations, and which namespaces there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// The gateways to which nothing is published.
    pub(crate) paused: BTreeSet<GatewayId>,
    /// The removals that somebody has let go, by the token that named them.
    pub(crate) allowed: BTreeMap<GatewayId, String>,
    /// The namespaces that are not in deletion.
    pub(crate) staying: BTreeSet<String>,
}

/// What was compiled, and what of it goes out.
#[derive(Default)]
pub(crate) struct Guarded {
    compiled: Compiled,
    brake: Brake,
    pauses: Pauses,
}

impl Guarded {
    /// Looks at what is to be compiled next: adds the objects that are gone and stay all the same, and freezes what is
    /// paused. Returns the Secrets that are needed.
    pub(crate) fn prepare(&mut self, world: &mut World, marks: &Marks, now: Time) -> BTreeSet<ObjectId> {
        let held = self.brake.look(world, &self.compiled, (marks, now));
        world.objects.extend(held);
        self.pauses.look(&self.compiled, marks);
        let mut needed = wanted(&world.objects, &self.compiled);
        needed.extend(self.pauses.wanted());
        needed
    }

    /// Compiles what was prepared.
    pub(crate) fn compile(&mut self, world: &World, marks: &Marks) {
        self.compiled = compile(world, &self.compiled);
        self.pauses.compile(world, marks);
    }

    /// Takes what a proxy of a gateway gave back. A gateway that is paused is frozen with it.
    pub(crate) fn recall(&mut self, found: Found) {
        let Found { gateway, id, generation, content, secrets } = found;
        self.compiled.recall(&gateway, (&id, generation), content, secrets);
        self.pauses.forget(&gateway);
    }

    /// What there is to say about objects, and what would be served if nothing held it back.
    pub(crate) fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// What each gateway serves.
    pub(crate) fn published(&self) -> BTreeMap<GatewayId, Arc<Snapshot>> {
        let frozen = |(id, snapshot): (&GatewayId, &Arc<Snapshot>)| {
            (id.clone(), Arc::clone(self.pauses.snapshot(id).unwrap_or(snapshot)))
        };
        self.compiled.snapshots.iter().map(frozen).collect()
    }

    /// What is served of an object.
    pub(crate) fn serving(&self, id: &ObjectId) -> Option<Serving> {
        let own = GatewayId::new(&id.namespace, &id.name);
        let own = (id.kind == GATEWAY).then_some(&own);
        let mut gateways = self.compiled.diagnostics.get(id)?.gateways.keys().chain(own);
        let frozen = gateways.find_map(|gateway| self.pauses.compiled(gateway));
        frozen.unwrap_or(&self.compiled).diagnostics.get(id)?.serving
    }

    /// The removal that a gateway holds back.
    pub(crate) fn held(&self, gateway: &GatewayId) -> Option<&Held> {
        self.brake.held(gateway)
    }

    pub(crate) fn is_paused(&self, gateway: &GatewayId) -> bool {
        self.pauses.is_asked(gateway)
    }
}

/// Tells whether objects of a kind route requests: what a gateway can do without its keys and tenants.
fn routes(id: &ObjectId) -> bool {
    matches!(id.kind.as_str(), "Model" | "ModelProvider" | "MCPServer" | "ToolPolicy")
}

/// The gateways of a world.
fn gateways(objects: &[Arc<Object>]) -> BTreeSet<GatewayId> {
    let gateways = objects.iter().filter(|object| object.id.kind == GATEWAY);
    gateways.map(|object| GatewayId::new(&object.id.namespace, &object.id.name)).collect()
}

const GATEWAY: &str = "ResponsesGateway";
