//! Decides which content of which object is served: the present one, the last good one, or none.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Compiled;
use crate::diagnostics::{Condition, Degraded, Diagnostics, Problem, Reason};
use crate::id::ObjectId;
use crate::kinds::{self, Resource};
use crate::world::{Body, Object, World};

/// The outcome for all objects.
#[derive(Default)]
pub(super) struct Admitted {
    /// What is served, by object.
    pub(super) served: BTreeMap<ObjectId, Chosen>,
    /// What is wrong so far; one for each object.
    pub(super) diagnostics: BTreeMap<ObjectId, Diagnostics>,
    /// Who has a name of a kind.
    owners: BTreeMap<(String, String), ObjectId>,
}

/// The content of an object that is served.
pub(super) struct Chosen {
    /// Where the content comes from.
    pub(super) object: Arc<Object>,
    /// The content.
    pub(super) resource: Box<dyn Resource>,
}

/// Goes through the objects, the most senior first, so that names go to the oldest. An object whose present content cannot
/// be served keeps its place with the last good one.
pub(super) fn admit(world: &World, last: &Compiled) -> Admitted {
    let mut admitted = Admitted::default();
    let mut objects: Vec<&Object> = world.objects.iter().collect();
    objects.sort_by(|a, b| a.seniority().cmp(&b.seniority()));
    for object in objects {
        let problems = admitted.present(object, last);
        let degraded = (!problems.is_empty() && admitted.fall_back(&object.id, last))
            .then_some(Degraded::ServingLastGood);
        let about =
            Diagnostics { generation: object.generation, problems, degraded, ..Diagnostics::default() };
        admitted.diagnostics.insert(object.id.clone(), about);
    }
    admitted
}

impl Admitted {
    /// Serves the present content of `object`, or tells why not.
    fn present(&mut self, object: &Object, last: &Compiled) -> Vec<Problem> {
        let chosen = match choose(object, last) {
            Ok(chosen) => chosen,
            Err(problems) => return problems,
        };
        let conflicts = self.conflicts(&object.id, &chosen);
        if conflicts.is_empty() {
            self.serve(&object.id, chosen);
        }
        conflicts
    }

    /// Serves the last good content of an object, if there is one and its names are free.
    fn fall_back(&mut self, id: &ObjectId, last: &Compiled) -> bool {
        let Some(Ok(chosen)) = last.last_good.get(id).map(|object| choose(object, last)) else {
            return false;
        };
        let free = chosen.resource.names(id).into_iter().all(|name| self.owner(id, &name).is_none());
        if free {
            self.serve(id, chosen);
        }
        free
    }

    fn serve(&mut self, id: &ObjectId, chosen: Chosen) {
        for name in chosen.resource.names(id) {
            self.owners.insert((id.kind.clone(), name), id.clone());
        }
        self.served.insert(id.clone(), chosen);
    }

    /// Lists the names of an object that others have, and tells those others.
    fn conflicts(&mut self, id: &ObjectId, chosen: &Chosen) -> Vec<Problem> {
        let mut problems = Vec::new();
        for name in chosen.resource.names(id) {
            let Some(owner) = self.owner(id, &name).cloned() else { continue };
            let message = format!("the name {name:?} belongs to {owner}, which is older: choose another");
            let (condition, reason) = (Condition::Accepted, Reason::Conflicted);
            problems.push(Problem { condition, reason, path: String::new(), message });
            let note = format!("{id} claims the name {name:?} too, and does not get it");
            self.diagnostics.entry(owner).or_default().notes.push(note);
        }
        problems
    }

    fn owner(&self, id: &ObjectId, name: &str) -> Option<&ObjectId> {
        self.owners.get(&(id.kind.clone(), name.to_owned()))
    }
}

/// Decodes the content of `object`. Shares the last good object where it is equal.
fn choose(object: &Object, last: &Compiled) -> Result<Chosen, Vec<Problem>> {
    let spec = match &object.body {
        Body::Valid(spec) => spec,
        Body::Invalid(problems) => return Err(problems.clone()),
    };
    let kind = kinds::find(&object.id.kind);
    let kind =
        kind.ok_or_else(|| vec![Problem::invalid("kind", format!("unknown kind {:?}", object.id.kind))])?;
    let resource = (kind.decode)(spec).map_err(|error| vec![undecodable(&error)])?;
    let known = last.last_good.get(&object.id).filter(|known| ***known == *object);
    Ok(Chosen { object: known.map_or_else(|| Arc::new(object.clone()), Arc::clone), resource })
}

fn undecodable(error: &serde_json::Error) -> Problem {
    let (condition, reason) = (Condition::Accepted, Reason::DecodeError);
    Problem { condition, reason, path: "spec".into(), message: error.to_string() }
}
