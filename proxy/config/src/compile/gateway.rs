//! Which gateways there are, and whom they admit.

use std::fmt;
use std::sync::Arc;

use super::Compiled;
use super::content::{Chosen, Content};
use crate::diagnostics::{Condition, Problem, Reason};
use crate::id::{GatewayId, ObjectId};
use crate::kinds;
use crate::spec::Tenancy;
use crate::world::{Body, Object, World};

/// The kind of gateways.
pub(super) const KIND: &str = "ResponsesGateway";

/// A gateway that is served.
pub(crate) struct Gateway {
    pub(super) id: GatewayId,
    pub(super) chosen: Chosen,
    pub(super) tenancy: Tenancy,
    /// Whether it exists only because no ResponsesGateway does.
    pub(super) is_implicit: bool,
    /// Whether its present content cannot be served.
    pub(super) is_last_good: bool,
}

/// Lists the gateways that are served, each with its present content or the last good one.
pub(super) fn gateways(world: &World, contents: &[Content<'_>], last: &Compiled) -> Vec<Gateway> {
    if !world.needs_gateway && !contents.iter().any(Content::is_gateway) {
        return implicit().into_iter().collect();
    }
    let served = |content: &Content<'_>| {
        let id = &content.object.id;
        let id = GatewayId::new(&id.namespace, &id.name);
        match &content.present {
            Ok(present) => Gateway::new(id, present.clone()),
            Err(_) => {
                let last = Gateway::new(id.clone(), Chosen::last_good(&content.object.id, &id, last)?)?;
                Some(Gateway { is_last_good: true, ..last })
            }
        }
    };
    let mut gateways: Vec<_> =
        contents.iter().filter(|content| content.is_gateway()).filter_map(served).collect();
    gateways.sort_by(|a, b| a.id.cmp(&b.id));
    gateways
}

/// Makes the gateway that exists where no ResponsesGateway is given.
fn implicit() -> Option<Gateway> {
    let id = ObjectId::new(KIND, "default", "default");
    let body = Body::Valid(kinds::implicit());
    let chosen = Chosen::new(&Arc::new(Object { id, generation: 0, created: None, body })).ok()?;
    Some(Gateway { is_implicit: true, ..Gateway::new(GatewayId::implicit(), chosen)? })
}

impl Gateway {
    fn new(id: GatewayId, chosen: Chosen) -> Option<Self> {
        let tenancy = kinds::tenancy(chosen.resource.as_gateway()?);
        Some(Self { id, chosen, tenancy, is_implicit: false, is_last_good: false })
    }

    /// Tells why an object that is meant for this gateway may not attach to it.
    pub(super) fn refusal(&self, asking: &Chosen, world: &World) -> Option<Problem> {
        let (own, other) = (self.id.namespace(), &asking.id().namespace);
        let is_tenant = asking.resource.owned().is_some();
        let refuse = |reason, message| Some(Problem::unaccepted(reason, path(asking), message));
        if is_tenant && own != other {
            let message = format!("{self} takes Tenants of its own namespace only: move it there");
            return refuse(Reason::NotAllowedByGateway, message);
        }
        if is_tenant && self.tenancy == Tenancy::Single {
            let message = format!("{self} has tenancy.mode Single: set Multi there, or remove this object");
            return refuse(Reason::TenancyDisabled, message);
        }
        if self.is_implicit || self.chosen.resource.admits(own, other, &world.labels(other)) {
            return None;
        }
        refuse(
            Reason::NotAllowedByGateway,
            format!("{self} does not admit namespace {other}: extend its allowedNamespaces"),
        )
    }
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gateway {}", self.id)
    }
}

/// Says that a gateway that an object names is not there.
pub(super) fn missing(asking: &Chosen, gateway: &GatewayId) -> Problem {
    let message = format!(
        "gateway {gateway} does not exist or is not accepted: create or mend it, or correct the reference"
    );
    Problem::unaccepted(Reason::NoMatchingGateway, path(asking), message)
}

/// Says that an object that names no gateway has none nearby, or that none of its targets has one.
pub(super) fn none(asking: &Chosen) -> Vec<Problem> {
    let namespace = &asking.id().namespace;
    let Some(targets) = asking.resource.targets(asking.id()) else {
        let message = format!(
            "namespace {namespace} has no ResponsesGateway: create one there, or name one in gatewayRefs"
        );
        return vec![Problem::unaccepted(Reason::NoMatchingGateway, path(asking), message)];
    };
    let unresolved = |(place, target)| Problem {
        condition: Condition::ResolvedRefs,
        reason: Reason::TargetNotFound,
        path: format!("spec.targetRefs[{place}]"),
        message: format!(
            "{target} does not exist or has no gateway: create or mend it, or correct the reference"
        ),
    };
    let message = "none of its targets exists and has a gateway".to_owned();
    let unaccepted = Problem::unaccepted(Reason::NoMatchingGateway, "spec.targetRefs", message);
    targets.into_iter().enumerate().map(unresolved).chain([unaccepted]).collect()
}

fn path(asking: &Chosen) -> &'static str {
    if asking.resource.gateway_refs().is_some() { "spec.gatewayRefs" } else { "" }
}
