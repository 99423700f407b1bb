//! Objects in, one snapshot per gateway and diagnostics per object out.

mod admit;
mod content;
mod gateway;
mod map;
mod scope;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diagnostics::{Attachment, Diagnostics, Problem, Serving};
use crate::id::{EntryId, GatewayId, ObjectId, SecretId};
use crate::kinds::{self, Recalled};
use crate::secret::Secret;
use crate::snapshot::{Entry, Snapshot};
use crate::spec::Spec;
use crate::world::{Body, Object, World};
use admit::Admitted;
use content::{Chosen, Content};
use gateway::Gateway;
use map::Map;
pub(crate) use scope::Scope;
pub(crate) use view::View;

/// The result of one compilation.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    /// What each gateway serves.
    pub snapshots: BTreeMap<GatewayId, Arc<Snapshot>>,
    /// What there is to say about each object.
    pub diagnostics: BTreeMap<ObjectId, Diagnostics>,
    /// The objects that are served and whose kind keeps the last good content, each as it is served at each gateway.
    pub last_good: BTreeMap<ObjectId, BTreeMap<GatewayId, Arc<Object>>>,
    /// The objects for which something stands in that denies, at each gateway.
    pub guarded: BTreeMap<ObjectId, BTreeMap<GatewayId, Arc<Object>>>,
    /// Values that proxies gave back, for the next compilation.
    recalled: BTreeMap<GatewayId, BTreeMap<SecretId, Secret>>,
    /// The content of each object that decodes, the present one if it does, so that what stays is not decoded again.
    decoded: BTreeMap<ObjectId, Chosen>,
    /// The objects that do not decode, and why.
    refused: BTreeMap<ObjectId, (Arc<Object>, Vec<Problem>)>,
}

impl Compiled {
    /// Returns what the gateway serves that exists where no ResponsesGateway is given.
    #[must_use]
    pub fn implicit(&self) -> Option<&Arc<Snapshot>> {
        self.gateway(&GatewayId::implicit())
    }

    /// Returns what a gateway serves; absent if it does not exist or was never accepted.
    #[must_use]
    pub fn gateway(&self, id: &GatewayId) -> Option<&Arc<Snapshot>> {
        self.snapshots.get(id)
    }

    /// Takes what a proxy of `gateway` gave back of an object for its last good content, with the values of its secrets.
    ///
    /// The caller has checked by their hashes that it was served. Everything that can be revoked is checked when it is compiled.
    pub fn recall(
        &mut self,
        gateway: &GatewayId,
        (id, generation): (&ObjectId, i64),
        content: Recalled,
        secrets: BTreeMap<SecretId, Secret>,
    ) {
        let body = Body::Recalled(Arc::new(content));
        let object = Arc::new(Object { id: id.clone(), generation, created: None, body });
        self.last_good.entry(id.clone()).or_default().insert(gateway.clone(), object);
        self.recalled.entry(gateway.clone()).or_default().extend(secrets);
    }

    /// Returns the one gateway with what it serves; absent if there is none, or several.
    #[must_use]
    pub fn only(&self) -> Option<(&GatewayId, &Arc<Snapshot>)> {
        let mut gateways = self.snapshots.iter();
        gateways.next().filter(|_| gateways.next().is_none())
    }
}

/// Compiles every object of `world`; `last` is the result before, with the last good content of each object.
///
/// Pure and deterministic: the order of the objects changes nothing. An object that is invalid changes no entry but its
/// own, where its last good content stays, and those that depend on it. Nothing of a deleted object stays.
#[must_use]
pub fn compile(world: &World, last: &Compiled) -> Compiled {
    let contents = content::contents(world, last);
    let gateways = gateway::gateways(world, &contents, last);
    let map = Map::new(&gateways, &contents, last);
    let diagnostics = contents.iter().map(|content| (content.object.id.clone(), first_look(content, &map)));
    let decoded = contents.iter().filter_map(|content| content.present.as_ref().ok());
    let decoded = decoded.map(|present| (present.id().clone(), present.clone())).collect();
    let refused = contents.iter().filter_map(|content| {
        let problems = content.present.as_ref().err()?.clone();
        Some((content.object.id.clone(), (Arc::clone(content.object), problems)))
    });
    let mut compiled = Compiled {
        diagnostics: diagnostics.collect(),
        decoded,
        refused: refused.collect(),
        ..Compiled::default()
    };
    for gateway in &gateways {
        let mut admitted = admit::admit(world, (gateway, &map), &contents, last);
        admitted.note_unseen();
        compiled.add(gateway, admitted, last);
    }
    compiled.diagnostics.values_mut().for_each(Diagnostics::conclude);
    compiled
}

/// Lists the Secrets and ConfigMaps whose values `objects` need, so that no others are read: for their present content, or,
/// where that is no good, for what was served last.
///
/// A Secret of another namespace is listed whether or not a ReferenceGrant permits it; [`compile()`] decides that. `last` is
/// the compilation before, which spares the decoding of what stays.
#[must_use]
pub fn wanted(objects: &[Arc<Object>], last: &Compiled) -> BTreeSet<ObjectId> {
    let used = |object: &Arc<Object>| match content::choose(object, last) {
        Ok(present) => vec![present],
        Err(_) => {
            let served = last.last_good.get(&object.id).into_iter().flat_map(BTreeMap::values);
            served.filter_map(|served| content::choose(served, last).ok()).collect()
        }
    };
    let named = |used: Chosen| {
        let (resource, id) = (&used.resource, used.id());
        [resource.secrets(id), resource.config_maps(id)].concat()
    };
    objects.iter().flat_map(used).flat_map(named).collect()
}

/// Says what there is to say about an object before any gateway looks at it.
fn first_look(content: &Content<'_>, map: &Map<'_>) -> Diagnostics {
    let mut about = Diagnostics { generation: content.object.generation, ..Diagnostics::default() };
    let present = match &content.present {
        Ok(present) => present,
        Err(problems) => {
            about.problems.clone_from(problems);
            return about;
        }
    };
    if present.resource.as_gateway().is_some() {
        return about;
    }
    let meant = map.of(present);
    if meant.is_empty() {
        about.problems.extend(gateway::none(present));
    }
    for id in meant {
        if map.gateways.iter().all(|gateway| gateway.id != id) {
            let problems = vec![gateway::missing(present, &id)];
            about.gateways.insert(id, Attachment { problems, ..Attachment::default() });
        }
    }
    about
}

/// Makes an entry. One that says what it said before is not hashed again, and shared if its generation is the same too.
fn entry(last: Option<&Snapshot>, id: EntryId, generation: i64, spec: Spec) -> Arc<Entry> {
    match last.and_then(|last| last.entries.get(&id)).filter(|known| known.spec == spec) {
        Some(known) if known.generation == generation => Arc::clone(known),
        Some(known) => Arc::new(Entry { id, generation, hash: known.hash, spec }),
        None => Arc::new(Entry::new(id, generation, spec)),
    }
}

impl Compiled {
    /// Adds what a gateway serves, and how the objects stand there.
    fn add(&mut self, gateway: &Gateway, mut admitted: Admitted<'_>, last: &Self) {
        let mut about = std::mem::take(&mut admitted.about);
        let known = last.gateway(&gateway.id).map(AsRef::as_ref);
        let (mut entries, mut secrets) = (BTreeMap::new(), BTreeMap::new());
        for (id, chosen) in &admitted.served {
            let about = about.entry(id.clone()).or_default();
            let mut scope = Scope::new(&admitted, &gateway.id, last);
            let spec = chosen.resource.compile(id, &mut scope);
            secrets.append(&mut scope.conclude(about));
            let Some(spec) = spec else { continue };
            let entry = entry(known, EntryId::of(id), chosen.object.generation, spec);
            about.serving = Some(Serving { generation: entry.generation, hash: entry.hash });
            entries.insert(entry.id.clone(), entry);
        }
        let fallback = admitted.view.world.fallback_provider.as_ref();
        let fallback = fallback.filter(|id| admitted.served.contains_key(id)).map(EntryId::of);
        let snapshot = Arc::new(Snapshot::new(entries, secrets, fallback));
        self.snapshots.insert(gateway.id.clone(), snapshot);
        self.keep(gateway, &admitted);
        self.tell(gateway, about);
    }

    /// Remembers what is served, where its kind keeps that, and what stands in.
    fn keep(&mut self, gateway: &Gateway, admitted: &Admitted<'_>) {
        for id in &admitted.guarded {
            if let Some(chosen) = admitted.served.get(id) {
                let guarded = self.guarded.entry(id.clone()).or_default();
                guarded.insert(gateway.id.clone(), Arc::clone(&chosen.object));
            }
        }
        let keeps = |id: &ObjectId| {
            kinds::find(&id.kind).is_some_and(|kind| kind.keeps_last_good) && !admitted.guarded.contains(id)
        };
        for (id, chosen) in
            admitted.served.iter().filter(|(id, _)| keeps(id) && self.diagnostics.contains_key(id))
        {
            self.decoded.entry(id.clone()).or_insert_with(|| chosen.clone());
            let kept = self.last_good.entry(id.clone()).or_default();
            kept.insert(gateway.id.clone(), Arc::clone(&chosen.object));
        }
    }

    fn tell(&mut self, gateway: &Gateway, about: BTreeMap<ObjectId, Attachment>) {
        for (id, attachment) in about {
            let Some(known) = self.diagnostics.get_mut(&id) else { continue };
            if id == *gateway.chosen.id() {
                known.add(&attachment);
            } else {
                known.gateways.insert(gateway.id.clone(), attachment);
            }
        }
    }
}
