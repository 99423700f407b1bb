//! What MCP servers have listed to proxies. A proxy says only what is new, so that what it said stays over its sessions.

use std::collections::BTreeMap;
use std::sync::Arc;

use config::delivery::Catalog;
use config::{EntryId, GatewayId, Hash, Spec};

use super::{Fleet, Gateway, Time};

/// What one proxy has said, by entry, and when it said so first.
pub(super) type Catalogs = BTreeMap<EntryId, (Time, Arc<Catalog>)>;

impl Fleet {
    /// What an entry of that content has listed to the serving proxies of a gateway, by the names of the proxies; each with the
    /// time when the proxy told it first.
    pub(crate) fn catalogs(
        &self,
        gateway: &GatewayId,
        entry: &EntryId,
        hash: &Hash,
    ) -> Vec<(Time, Arc<Catalog>)> {
        let proxies = self.gateways.get(gateway).into_iter().flat_map(|gateway| gateway.proxies.values());
        let told = proxies.filter(|proxy| proxy.serving).filter_map(|proxy| proxy.catalogs.get(entry));
        told.filter(|(_, catalog)| catalog.hash == *hash).cloned().collect()
    }
}

impl Gateway {
    /// Takes in what a proxy says. True if it changes anything.
    pub(super) fn take_catalogs(&mut self, session: &str, told: Vec<Catalog>, now: Time) -> bool {
        let served = self.current.as_ref().map(|current| Arc::clone(&current.snapshot));
        let is_served = |id: &EntryId| {
            let entry = served.as_ref().and_then(|served| served.entries.get(id));
            entry.is_some_and(|entry| matches!(entry.spec, Spec::McpServer(_)))
        };
        let told = told.into_iter().filter(|catalog| is_served(&catalog.id)).filter_map(Catalog::bounded);
        let told: Vec<Arc<Catalog>> = told.map(|catalog| self.shared(catalog)).collect();
        let Some((_, proxy)) = self.proxy(session) else { return false };
        proxy.catalogs.retain(|id, _| is_served(id));
        let mut changed = false;
        for catalog in told {
            if proxy.catalogs.get(&catalog.id).is_none_or(|(_, known)| *known != catalog) {
                proxy.catalogs.insert(catalog.id.clone(), (now, catalog));
                changed = true;
            }
        }
        changed
    }

    /// Most proxies see the same list: it is kept once.
    fn shared(&self, catalog: Catalog) -> Arc<Catalog> {
        let known = self.proxies.values().filter_map(|proxy| proxy.catalogs.get(&catalog.id));
        let same = known.map(|(_, known)| known).find(|known| ***known == catalog).cloned();
        same.unwrap_or_else(|| Arc::new(catalog))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use config::Entry;
    use config::delivery::{Item, Mismatches, Report};
    use config::spec::McpServerSpec;

    use super::super::tests::{gateway, join, publish, serving, settle};
    use super::*;

    const SECOND: Time = Duration::from_secs(1);

    fn server(name: &str, url: &str) -> Arc<Entry> {
        let spec = McpServerSpec { url: Some(url.to_owned()), ..McpServerSpec::plain("a", name) };
        Arc::new(Entry::new(EntryId::mcp_server("a", name), 1, Spec::McpServer(Box::new(spec))))
    }

    fn catalog(entry: &Entry, tool: &str) -> Catalog {
        let digest = format!("sha256:{}", "0".repeat(64));
        let items = vec![Item { name: tool.to_owned(), digest: digest.clone() }];
        let (protocol, mismatches) = ("2025-11-25".to_owned(), Mismatches::default());
        Catalog { id: entry.id.clone(), hash: entry.hash, protocol, digest, count: 1, items, mismatches }
    }

    fn report(fleet: &mut Fleet, session: &str, catalogs: Vec<Catalog>, now: Time) -> Option<bool> {
        let (session, health) = (session.to_owned(), None);
        let report = Report { session, serving: true, inflight: 0, health, catalogs };
        fleet.report(&gateway(), report, now)
    }

    fn seen(fleet: &Fleet, entry: &Entry) -> Vec<(Time, String)> {
        let told = fleet.catalogs(&gateway(), &entry.id, &entry.hash).into_iter();
        told.map(|(at, catalog)| (at, catalog.items[0].name.clone())).collect()
    }

    #[test]
    fn a_list_stays_until_the_proxy_says_another_and_saying_it_again_is_no_news() {
        let entry = server("red", "x");
        let mut fleet = serving(std::slice::from_ref(&entry));
        let first = join(&mut fleet, "one", None);
        let applied = settle(&mut fleet, &first);
        assert_eq!(report(&mut fleet, &first, vec![catalog(&entry, "a")], SECOND), Some(true));
        assert_eq!(report(&mut fleet, &first, Vec::new(), 2 * SECOND), Some(false), "not told again");
        let second = join(&mut fleet, "one", Some(applied));
        assert_eq!(seen(&fleet, &entry), [(SECOND, "a".to_owned())], "over sessions");
        assert_eq!(report(&mut fleet, &second, vec![catalog(&entry, "a")], 3 * SECOND), Some(false));
        assert_eq!(seen(&fleet, &entry), [(SECOND, "a".to_owned())]);
        assert_eq!(report(&mut fleet, &second, vec![catalog(&entry, "b")], 4 * SECOND), Some(true));
        assert_eq!(seen(&fleet, &entry), [(4 * SECOND, "b".to_owned())]);
    }

    #[test]
    fn a_list_counts_for_the_content_that_it_was_seen_with_and_while_that_is_served() {
        let (entry, other) = (server("red", "x"), server("red", "y"));
        let mut fleet = serving(std::slice::from_ref(&entry));
        let session = join(&mut fleet, "one", None);
        settle(&mut fleet, &session);
        assert_eq!(report(&mut fleet, &session, vec![catalog(&entry, "a")], SECOND), Some(true));
        assert!(publish(&mut fleet, std::slice::from_ref(&other)));
        assert_eq!(seen(&fleet, &other), [], "that of another content");
        assert_eq!(report(&mut fleet, &session, vec![catalog(&other, "a")], 2 * SECOND), Some(true));
        assert_eq!(seen(&fleet, &other), [(2 * SECOND, "a".to_owned())]);
        let stranger = catalog(&server("blue", "x"), "a");
        assert_eq!(report(&mut fleet, &session, vec![stranger], 3 * SECOND), Some(false));
        assert!(publish(&mut fleet, &[]));
        assert_eq!(report(&mut fleet, &session, Vec::new(), 3 * SECOND), Some(false));
        assert!(publish(&mut fleet, std::slice::from_ref(&other)));
        assert_eq!(seen(&fleet, &other), [], "it was forgotten with the entry");
    }

    #[test]
    fn proxies_that_see_the_same_share_it() {
        let entry = server("red", "x");
        let mut fleet = serving(std::slice::from_ref(&entry));
        let sessions = ["one", "two"].map(|name| join(&mut fleet, name, None));
        for session in &sessions {
            settle(&mut fleet, session);
            report(&mut fleet, session, vec![catalog(&entry, "a")], SECOND);
        }
        let told = fleet.catalogs(&gateway(), &entry.id, &entry.hash);
        assert_eq!(told.len(), 2);
        assert!(Arc::ptr_eq(&told[0].1, &told[1].1));
    }
}
