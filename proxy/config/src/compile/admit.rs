//! Decides which content of which object a gateway serves: the present one, the last good one, or none.

use std::collections::{BTreeMap, BTreeSet};

use super::Compiled;
use super::content::{Chosen, Content};
use super::gateway::Gateway;
use super::map::Map;
use super::view::{Seen, View};
use crate::diagnostics::{Attachment, Degraded, Problem, Reason};
use crate::id::{GatewayId, ObjectId};
use crate::kinds::{self, Claim};
use crate::world::World;

/// What one gateway serves.
pub(super) struct Admitted<'a> {
    pub(super) view: View<'a>,
    /// What is served, by object; the gateway itself included.
    pub(super) served: BTreeMap<ObjectId, Chosen>,
    /// How each object stands that the gateway is meant for.
    pub(super) about: BTreeMap<ObjectId, Attachment>,
    /// Who has what, of each kind.
    taken: BTreeMap<(String, Claim), Vec<(Seen, ObjectId)>>,
    /// Objects that are served as something that stands in for them.
    pub(super) guarded: BTreeSet<ObjectId>,
    pub(super) map: &'a Map<'a>,
    gateway: &'a Gateway,
    last: &'a Compiled,
}

/// Goes through the objects, the tenants first and the most senior first, so that names go to the oldest. An object whose
/// present content cannot be served keeps its place with the last good one, if its kind keeps that.
pub(super) fn admit<'a>(
    world: &'a World,
    (gateway, map): (&'a Gateway, &'a Map<'a>),
    contents: &[Content<'_>],
    last: &'a Compiled,
) -> Admitted<'a> {
    let itself = gateway.chosen.id().clone();
    let degraded = gateway.is_last_good.then_some(Degraded::ServingLastGood);
    let mut admitted = Admitted {
        view: View::new(world, gateway),
        about: [(itself.clone(), Attachment { degraded, ..Attachment::default() })].into(),
        served: [(itself, gateway.chosen.clone())].into(),
        taken: BTreeMap::new(),
        guarded: BTreeSet::new(),
        map,
        gateway,
        last,
    };
    let mut contents: Vec<_> = contents.iter().filter(|content| !content.is_gateway()).collect();
    contents
        .sort_by_key(|content| (content.object.id.kind != "Tenant", content.object.seniority(&gateway.id)));
    contents.into_iter().for_each(|content| admitted.object(content));
    admitted
}

impl Admitted<'_> {
    fn object(&mut self, content: &Content<'_>) {
        let id = &content.object.id;
        let about = match &content.present {
            Ok(present) => self.present(present),
            Err(_) => self.fall_back(id).or_else(|| self.stand_in(content)),
        };
        if let Some(about) = about {
            // Those that lost a name to this object, or win one from it, may have left notes.
            let known = self.about.entry(id.clone()).or_default();
            let mut notes = std::mem::take(&mut known.notes);
            notes.extend(about.notes.iter().cloned());
            *known = Attachment { notes, ..about };
        }
    }

    /// Serves the present content of an object, or tells why not. Absent: it is not meant for this gateway.
    fn present(&mut self, present: &Chosen) -> Option<Attachment> {
        let refused = self.meant(present)?;
        if let Some(refusal) = refused {
            return Some(Attachment { problems: vec![refusal], ..Attachment::default() });
        }
        let problems = self.conflicts(present);
        if problems.is_empty() {
            self.serve(present.clone());
            return Some(Attachment::default());
        }
        let fallen = self.fall_back(present.id()).unwrap_or_default();
        Some(Attachment { problems, ..fallen })
    }

    /// Serves the last good content of an object, if there is one that may still attach and whose names are free.
    fn fall_back(&mut self, id: &ObjectId) -> Option<Attachment> {
        let keeps = kinds::find(&id.kind).is_some_and(|kind| kind.keeps_last_good);
        let chosen = Chosen::last_good(id, &self.gateway.id, self.last).filter(|_| keeps)?;
        if let Some(refusal) = self.meant(&chosen)? {
            return Some(Attachment { problems: vec![refusal], ..Attachment::default() });
        }
        let claims = chosen.resource.claims(id, &self.view);
        if claims.iter().any(|claim| self.owner(id, claim).is_some()) {
            return None;
        }
        self.serve(chosen);
        Some(Attachment { degraded: Some(Degraded::ServingLastGood), ..Attachment::default() })
    }

    /// Serves what stands in for an object that was never good, where its kind needs that.
    fn stand_in(&mut self, content: &Content<'_>) -> Option<Attachment> {
        let chosen = Chosen::guard(content.object)?;
        if let Some(refusal) = self.meant(&chosen)? {
            return Some(Attachment { problems: vec![refusal], ..Attachment::default() });
        }
        self.guarded.insert(chosen.id().clone());
        self.serve(chosen);
        let note = "until it is mended, every call that it is about is denied".to_owned();
        Some(Attachment { notes: vec![note], ..Attachment::default() })
    }

    /// Tells whether content is meant for this gateway, and inside, why it may not attach.
    fn meant(&self, chosen: &Chosen) -> Option<Option<Problem>> {
        let is_meant = self.map.of(chosen).contains(&self.gateway.id);
        is_meant.then(|| self.gateway.refusal(chosen, self.view.world))
    }

    fn serve(&mut self, chosen: Chosen) {
        let id = chosen.id().clone();
        for claim in chosen.resource.claims(&id, &self.view) {
            self.taken.entry((id.kind.clone(), claim)).or_default().push((self.view.seen(&id), id.clone()));
        }
        self.view.add(&chosen);
        self.served.insert(id, chosen);
    }

    /// Lists what an object claims and others have, and tells those others.
    fn conflicts(&mut self, chosen: &Chosen) -> Vec<Problem> {
        let id = chosen.id();
        let mut problems = Vec::new();
        for claim in chosen.resource.claims(id, &self.view) {
            let Some(owner) = self.owner(id, &claim).cloned() else { continue };
            let (message, note) = quarrel(id, &owner, &claim);
            problems.push(Problem::unaccepted(Reason::Conflicted, "", message));
            self.about.entry(owner).or_default().notes.push(note);
        }
        problems
    }

    fn owner(&self, id: &ObjectId, claim: &Claim) -> Option<&ObjectId> {
        let seen = self.view.seen(id);
        let taken = self.taken.get(&(id.kind.clone(), claim.clone()))?;
        taken.iter().find(|(by, _)| by.meets(&seen)).map(|(_, owner)| owner)
    }

    /// Tells the objects that no tenant sees.
    pub(super) fn note_unseen(&mut self) {
        let unseen: Vec<_> =
            self.served.keys().filter(|id| self.view.seen(id) == Seen::ByNobody).cloned().collect();
        for id in unseen {
            let note = unseen_note(&self.gateway.id, &id);
            self.about.entry(id).or_default().notes.push(note);
        }
    }
}

/// What to tell the loser and the winner of a claim. The loser of a key does not hear whose it is.
fn quarrel(loser: &ObjectId, owner: &ObjectId, claim: &Claim) -> (String, String) {
    let (what, hint) = match claim {
        Claim::Name(name) => (format!("the name {name:?}"), "choose another"),
        Claim::Namespace(name) => (format!("the namespace {name:?}"), "leave it out"),
        Claim::Key(_) => {
            let message = "another APIKey, which is older, has the same key: make another".to_owned();
            return (message, format!("{loser} has the same key, and is refused"));
        }
    };
    let message = format!("{what} belongs to {owner}, which is older: {hint}");
    (message, format!("{loser} claims {what} too, and does not get it"))
}

fn unseen_note(gateway: &GatewayId, id: &ObjectId) -> String {
    format!("no tenant sees it: no Tenant of gateway {gateway} owns namespace {}", id.namespace)
}
