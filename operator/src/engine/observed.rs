//! What statuses say of upstreams and MCP servers, by what proxies have seen.

use std::time::Duration;

use config::{Diagnostics, EntryId, Health, ObjectId};
use serde_json::Value;

use super::Engine;
use crate::status::conditions;
use crate::status::listed::{self, Listed};

/// How long proxies may take to find a new leader and to tell it how upstreams fare.
pub(super) const FINDING: Duration = Duration::from_secs(30);

impl Engine {
    /// How the upstream of a provider, or an MCP server, fares: the worst that a proxy of its gateways says. A change of leader
    /// changes nothing before proxies had the time to say it again.
    pub(super) fn healthy(&self, id: &ObjectId, about: &Diagnostics, before: &Value) -> Option<Value> {
        let has_health = matches!(id.kind.as_str(), "ModelProvider" | "MCPServer");
        let entry = has_health.then(|| EntryId::of(id))?;
        let known = before["conditions"].as_array().into_iter().flatten();
        let known = known.into_iter().find(|known| known["type"] == "Healthy").filter(|_| self.is_young());
        Some(self.hub.with(|fleet, _| {
            let seen = about.gateways.keys().filter_map(|gateway| {
                let (proxy, health) = fleet.health(gateway, &entry)?;
                Some((gateway, proxy, health))
            });
            let worst = seen.min_by_key(|(_, _, health)| *health == Health::Healthy);
            // Whoever has seen trouble may not have found this leader yet.
            let is_news = worst.is_some_and(|(.., health)| health != Health::Healthy);
            let is_bad = |known: &Value| known["status"] == "False";
            let same = known.filter(|known| {
                let stays = worst.is_none() || (!is_news && is_bad(known));
                stays && known["observedGeneration"] == about.generation
            });
            same.map_or_else(|| conditions::healthy(worst, about.generation), conditions::untimed)
        }))
    }

    /// What an MCP server has listed to the proxies that run what is compiled of it.
    pub(super) fn listed(&self, id: &ObjectId, about: &Diagnostics, before: &Value) -> Listed {
        if id.kind != "MCPServer" {
            return Listed::default();
        }
        let entry = EntryId::of(id);
        let seen = about.gateways.iter().filter_map(|(gateway, attachment)| {
            let serving = attachment.serving?;
            Some(self.hub.with(|fleet, _| fleet.catalogs(gateway, &entry, &serving.hash)))
        });
        let seen: Vec<_> = seen.flatten().collect();
        let serving = self.guarded.serving(id).map(|serving| serving.hash.to_string());
        listed::of(&seen, before, serving.as_deref())
    }

    /// Whether proxies may not have found this leader yet.
    pub(super) fn is_young(&self) -> bool {
        self.led_since.elapsed() < FINDING
    }
}
