//! The removal brake: when most of what a gateway routes vanishes at once, it is more often a mistake than a wish. What is
//! gone is compiled as if it were still there, so that every permission is checked as ever, until somebody says that it
//! may go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use config::{Compiled, GatewayId, Hash, Object, ObjectId, World};

use super::{Marks, gateways, routes};
use crate::delivery::fleet::Time;

/// More objects than this may not vanish at once, if they are more than half.
const MANY: usize = 20;
/// What vanishes within so long vanishes at once: clients delete one object after the other.
const AT_ONCE: Duration = Duration::from_secs(10);

/// Remembers what has vanished.
#[derive(Default)]
pub(super) struct Brake {
    gone: BTreeMap<ObjectId, Gone>,
    held: BTreeMap<GatewayId, Held>,
}

/// An object that is not there any more.
struct Gone {
    since: Time,
    /// What was served of it, at each gateway that has not let go of it.
    served: BTreeMap<GatewayId, Arc<Object>>,
}

/// A removal that one gateway holds back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// How many objects are gone.
    pub(crate) count: usize,
    /// How many there were.
    pub(crate) of: usize,
    /// Names this removal in the annotation that lets it go.
    pub(crate) token: String,
}

impl Brake {
    /// Looks at what has vanished since `last`. Returns the objects that stay. An object that one of its gateways holds stays
    /// at all of them.
    pub(super) fn look(
        &mut self,
        world: &World,
        last: &Compiled,
        (marks, now): (&Marks, Time),
    ) -> Vec<Arc<Object>> {
        let present: BTreeSet<&ObjectId> = world.objects.iter().map(|object| &object.id).collect();
        self.note(&present, last, now);
        let gateways = gateways(&world.objects);
        self.gone.retain(|id, gone| {
            gone.served.retain(|gateway, _| gateways.contains(gateway));
            let is_gone = !present.contains(id) && marks.staying.contains(&id.namespace);
            is_gone && !gone.served.is_empty()
        });
        self.held = gateways.iter().filter_map(|id| Some((id.clone(), self.weigh(id, last)?))).collect();
        self.held.retain(|id, held| marks.allowed.get(id) != Some(&held.token));
        self.conclude(now)
    }

    pub(super) fn held(&self, gateway: &GatewayId) -> Option<&Held> {
        self.held.get(gateway)
    }

    /// Takes down what was served and is not there any more.
    fn note(&mut self, present: &BTreeSet<&ObjectId>, last: &Compiled, now: Time) {
        let known = last.last_good.iter().chain(&last.guarded);
        let known = known.filter(|(id, _)| routes(id) && !present.contains(id));
        for (id, served) in known {
            self.gone.entry(id.clone()).or_insert_with(|| Gone { since: now, served: served.clone() });
        }
    }

    /// Tells whether what a gateway loses is too much to be believed.
    fn weigh(&self, gateway: &GatewayId, last: &Compiled) -> Option<Held> {
        let gone: BTreeMap<&ObjectId, &Arc<Object>> =
            self.gone.iter().filter_map(|(id, gone)| Some((id, gone.served.get(gateway)?))).collect();
        let stays = last.last_good.iter().filter(|(id, served)| {
            routes(id) && served.contains_key(gateway) && !self.gone.contains_key(*id)
        });
        let (count, of) = (gone.len(), gone.len() + stays.count());
        (count > MANY && count * 2 > of).then(|| Held { count, of, token: token(gone.values()) })
    }

    /// Keeps what some gateway holds, and forgets what is gone for good.
    fn conclude(&mut self, now: Time) -> Vec<Arc<Object>> {
        let held = &self.held;
        let mut stays = Vec::new();
        self.gone.retain(|_, gone| {
            let by = gone.served.iter().find(|(gateway, _)| held.contains_key(*gateway));
            // Of two that claim one name the older wins: one of no age gives way to those that exist.
            stays.extend(by.map(|(_, object)| Arc::new(Object { created: None, ..Object::clone(object) })));
            by.is_some() || now.saturating_sub(gone.since) < AT_ONCE
        });
        stays
    }
}

/// Names a set of objects. Those that are made again are others, so that no old permission lets them go.
fn token<'a>(objects: impl Iterator<Item = &'a &'a Arc<Object>>) -> String {
    let line = |object: &&Arc<Object>| format!("{} {:?}\n", object.id, object.created);
    let hash = Hash::of(objects.map(line).collect::<String>().as_bytes()).to_string();
    hash.chars().skip("b3:".len()).take(16).collect()
}
