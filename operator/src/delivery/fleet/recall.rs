//! What proxies still have and this replica never saw: it is asked for before anything is sent to them.

use std::collections::BTreeSet;

use config::delivery::{FromOperator, Recalled};
use config::{EntryId, GatewayId};

use super::{Fleet, Gateway};

/// What is asked for, and what has come of it so far.
#[derive(Default)]
pub(super) struct Recall {
    ids: BTreeSet<EntryId>,
    came: Vec<Recalled>,
}

impl Fleet {
    /// Sends nothing to the proxies of a gateway, and asks those that run something for these entries, until
    /// [`Fleet::release`].
    pub(crate) fn recall(&mut self, gateway: &GatewayId, ids: BTreeSet<EntryId>) {
        if let Some(gateway) = self.gateways.get_mut(gateway) {
            gateway.recall = Some(Recall { ids, came: Vec::new() });
        }
    }

    /// A proxy gives entries back. False if that session was not asked.
    pub(crate) fn recalled(&mut self, gateway: &GatewayId, mut told: Recalled) -> bool {
        let Some(gateway) = self.gateways.get_mut(gateway) else { return false };
        let is_asked = gateway.proxies.values().any(|proxy| proxy.session == told.session && proxy.is_asked);
        let Some(recall) = gateway.recall.as_mut().filter(|_| is_asked) else { return false };
        told.entries.retain(|entry| recall.ids.contains(&entry.id));
        recall.came.push(told);
        true
    }

    /// Hands over what has come.
    pub(crate) fn take_recalled(&mut self) -> Vec<(GatewayId, Recalled)> {
        let gateways = self.gateways.iter_mut();
        let recalls = gateways.filter_map(|(id, gateway)| Some((id, gateway.recall.as_mut()?)));
        recalls.flat_map(|(id, recall)| recall.came.drain(..).map(|told| (id.clone(), told))).collect()
    }

    /// Sends again what is published.
    pub(crate) fn release(&mut self) {
        for gateway in self.gateways.values_mut() {
            gateway.recall = None;
            gateway.proxies.values_mut().for_each(|proxy| proxy.is_asked = false);
        }
    }
}

impl Gateway {
    /// The question, for a proxy that runs something and was not asked yet; `None` if there is nothing to ask for.
    pub(super) fn ask(&mut self, session: &str) -> Option<Vec<FromOperator>> {
        let ids = self.recall.as_ref()?.ids.iter().cloned().collect();
        let (_, proxy) = self.proxy(session)?;
        if proxy.acked.is_none() || std::mem::replace(&mut proxy.is_asked, true) {
            return Some(Vec::new());
        }
        Some(vec![FromOperator::Recall { ids }])
    }
}
