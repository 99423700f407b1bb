//! What objects say: at present, and when they were last served.

use std::fmt;
use std::sync::Arc;

use super::Compiled;
use super::gateway;
use crate::diagnostics::{Problem, Reason};
use crate::id::{GatewayId, ObjectId};
use crate::kinds::{self, Recalled, Resource};
use crate::world::{Body, Object, World};

/// One content of an object.
#[derive(Clone)]
pub(crate) struct Chosen {
    /// Where the content comes from.
    pub(super) object: Arc<Object>,
    /// The content.
    pub(super) resource: Arc<dyn Resource>,
}

/// An object with its present content, or what is wrong with that.
pub(super) struct Content<'a> {
    pub(super) object: &'a Arc<Object>,
    pub(super) present: Result<Chosen, Vec<Problem>>,
}

/// Decodes every object of the world.
pub(super) fn contents<'a>(world: &'a World, last: &Compiled) -> Vec<Content<'a>> {
    let content = |object| Content { object, present: choose(object, last) };
    world.objects.iter().map(content).collect()
}

impl Content<'_> {
    /// Tells whether it is a ResponsesGateway, be it a good one or not.
    pub(super) fn is_gateway(&self) -> bool {
        self.object.id.kind == gateway::KIND
    }
}

impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.object.fmt(f)
    }
}

impl Chosen {
    /// Takes content that no object of the world has.
    pub(super) fn new(object: &Arc<Object>) -> Result<Self, Vec<Problem>> {
        choose(object, &Compiled::default())
    }

    /// Returns what was served of an object at a gateway, where its kind keeps that.
    pub(super) fn last_good(id: &ObjectId, gateway: &GatewayId, last: &Compiled) -> Option<Self> {
        choose(last.last_good.get(id)?.get(gateway)?, last).ok()
    }

    /// Makes what stands in for an object that cannot be served, where its kind needs that.
    pub(super) fn guard(object: &Arc<Object>) -> Option<Self> {
        let guard = kinds::find(&object.id.kind)?.guard?;
        let targets = match &object.body {
            Body::Valid(spec) => &spec["targetRefs"],
            Body::Invalid(_, targets) => targets,
            Body::Recalled(_) => return None,
        };
        Some(Self { object: Arc::clone(object), resource: guard(targets) })
    }

    pub(super) fn id(&self) -> &ObjectId {
        &self.object.id
    }
}

/// Decodes the content of `object`, unless it is what was decoded before.
pub(super) fn choose(object: &Arc<Object>, last: &Compiled) -> Result<Chosen, Vec<Problem>> {
    if let Some(known) = last.decoded.get(&object.id).filter(|known| is_same(&known.object, object)) {
        return Ok(known.clone());
    }
    if let Some((_, problems)) = last.refused.get(&object.id).filter(|(known, _)| is_same(known, object)) {
        return Err(problems.clone());
    }
    let spec = match &object.body {
        Body::Valid(spec) => spec,
        Body::Invalid(problems, _) => return Err(problems.clone()),
        Body::Recalled(recalled) => {
            let resource: Arc<dyn Resource> = Arc::<Recalled>::clone(recalled);
            return Ok(Chosen { object: Arc::clone(object), resource });
        }
    };
    let kind = kinds::find(&object.id.kind);
    let kind =
        kind.ok_or_else(|| vec![Problem::invalid("kind", format!("unknown kind {:?}", object.id.kind))])?;
    let resource = (kind.decode)(spec).map_err(|error| vec![undecodable(&error)])?;
    let problems = resource.check();
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Chosen { object: Arc::clone(object), resource })
}

fn is_same(known: &Arc<Object>, object: &Arc<Object>) -> bool {
    Arc::ptr_eq(known, object) || known == object
}

fn undecodable(error: &serde_json::Error) -> Problem {
    Problem::unaccepted(Reason::DecodeError, "spec", error.to_string())
}
