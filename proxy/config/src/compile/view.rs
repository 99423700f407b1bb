//! Who sees what at one gateway.

use std::collections::BTreeMap;

use super::content::Chosen;
use super::gateway::Gateway;
use crate::id::{GatewayId, ObjectId};
use crate::spec::Tenancy;
use crate::world::World;

/// One gateway with its tenants.
pub(crate) struct View<'a> {
    pub(crate) world: &'a World,
    gateway: &'a Gateway,
    /// The tenants.
    tenants: Vec<String>,
    /// The tenant of each namespace that one owns.
    owners: BTreeMap<String, String>,
}

/// Which tenants see an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    ByAll,
    By(String),
    ByNobody,
}

impl<'a> View<'a> {
    pub(super) fn new(world: &'a World, gateway: &'a Gateway) -> Self {
        Self { world, gateway, tenants: Vec::new(), owners: BTreeMap::new() }
    }

    /// Takes a tenant in.
    pub(super) fn add(&mut self, tenant: &Chosen) {
        let Some(owned) = tenant.resource.owned() else { return };
        let name = &tenant.id().name;
        self.tenants.push(name.clone());
        self.owners.extend(owned.into_iter().map(|owned| (owned, name.clone())));
    }

    /// Tells which tenants see an object, their filters left aside.
    pub(super) fn seen(&self, id: &ObjectId) -> Seen {
        let is_shared = id.namespace == self.gateway.id.namespace();
        // Equal keys and tenants are one caller's, wherever they are.
        let is_credential = matches!(id.kind.as_str(), "APIKey" | "Tenant");
        match self.gateway.tenancy {
            Tenancy::Single => Seen::ByAll,
            Tenancy::Multi if is_shared || is_credential => Seen::ByAll,
            Tenancy::Multi => {
                self.owner(&id.namespace).map_or(Seen::ByNobody, |owner| Seen::By(owner.to_owned()))
            }
        }
    }

    pub(crate) fn gateway(&self) -> &GatewayId {
        &self.gateway.id
    }

    /// Tells whether the gateway exists only because no ResponsesGateway does.
    pub(crate) fn is_implicit(&self) -> bool {
        self.gateway.is_implicit
    }

    /// Tells whether the gateway takes tokens of an issuer that it calls so.
    pub(crate) fn has_issuer(&self, name: &str) -> bool {
        let resource = self.gateway.chosen.resource.as_gateway();
        let mut issuers =
            resource.into_iter().flat_map(|gateway| gateway.authentication.jwt.iter().flatten());
        issuers.any(|issuer| issuer.name == name)
    }

    pub(crate) fn tenancy(&self) -> Tenancy {
        self.gateway.tenancy
    }

    /// Returns the tenant that owns a namespace.
    pub(crate) fn owner(&self, namespace: &str) -> Option<&str> {
        self.owners.get(namespace).map(String::as_str)
    }

    pub(crate) fn has_tenant(&self, name: &str) -> bool {
        self.tenants.iter().any(|tenant| tenant == name)
    }
}

impl Seen {
    /// Tells whether some tenant sees both of two objects.
    pub(super) fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::ByNobody, _) | (_, Self::ByNobody) => false,
            (Self::ByAll, _) | (_, Self::ByAll) => true,
            (Self::By(one), Self::By(another)) => one == another,
        }
    }
}
