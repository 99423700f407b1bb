//! Which objects are meant for which gateways.

use std::collections::{BTreeMap, BTreeSet};

use super::Compiled;
use super::content::{Chosen, Content};
use super::gateway::Gateway;
use crate::id::{GatewayId, ObjectId};

/// The gateways, and what is meant for them.
pub(super) struct Map<'a> {
    pub(super) gateways: &'a [Gateway],
    /// Of every object that attaches by itself, now or when it was last served, and of the gateways themselves.
    through: BTreeMap<ObjectId, BTreeSet<GatewayId>>,
}

impl<'a> Map<'a> {
    pub(super) fn new(gateways: &'a [Gateway], contents: &[Content<'_>], last: &Compiled) -> Self {
        let mut map = Self { gateways, through: BTreeMap::new() };
        for content in contents.iter().filter(|content| !content.is_gateway()) {
            let id = &content.object.id;
            let now = content.present.as_ref().ok().filter(|present| present.resource.targets(id).is_none());
            let now = now.map(|present| map.of(present)).unwrap_or_default();
            let before = last.last_good.get(id).into_iter().flat_map(BTreeMap::keys).cloned();
            let meant: BTreeSet<_> = now.into_iter().chain(before).collect();
            if !meant.is_empty() {
                map.through.insert(id.clone(), meant);
            }
        }
        for gateway in gateways {
            map.through.insert(gateway.chosen.id().clone(), [gateway.id.clone()].into());
        }
        map
    }

    /// Lists the gateways that an object is meant for; absent if there are none.
    pub(super) fn through(&self, id: &ObjectId) -> Option<&BTreeSet<GatewayId>> {
        self.through.get(id)
    }

    /// Lists the gateways that some content is meant for, whether they exist or not.
    pub(super) fn of(&self, chosen: &Chosen) -> BTreeSet<GatewayId> {
        let own = &chosen.id().namespace;
        if let Some(targets) = chosen.resource.targets(chosen.id()) {
            return targets.iter().filter_map(|target| self.through(target)).flatten().cloned().collect();
        }
        match chosen.resource.gateway_refs() {
            Some(refs) => {
                let id = |name: &crds::reference::ObjectRef| {
                    GatewayId::new(name.namespace.as_ref().unwrap_or(own), &name.name)
                };
                refs.iter().map(id).collect()
            }
            None => {
                let near = self
                    .gateways
                    .iter()
                    .filter(|gateway| gateway.is_implicit || gateway.id.namespace() == own);
                near.map(|gateway| gateway.id.clone()).collect()
            }
        }
    }
}
