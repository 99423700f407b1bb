//! What the requests of clients show of an MCP server: whether it answers, and what it listed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use providers::{Health, Pulse, Trouble};
use tokio::time::Instant;
use tools::mcp::{Catalog, Failure, Witness};

use crate::live::health;

/// The time between two changes of what is told of a list, so that a server that never says the same twice costs little.
const APART: Duration = Duration::from_secs(30);
/// A version that is longer is none.
const VERSION_CHARS: usize = 64;

/// What is known of one server. It outlives changes of the configuration that concern something else than where the server is.
#[derive(Debug)]
pub(super) struct Sight {
    since: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pulse: Pulse,
    latest: Option<Arc<Listing>>,
    told: Option<Arc<Listing>>,
    changed: Duration,
}

/// What a server listed.
#[derive(Debug, PartialEq, Eq)]
pub struct Listing {
    /// The version of the protocol.
    pub protocol: String,
    /// Of the whole list.
    pub digest: String,
    /// Of each tool, by name.
    pub tools: BTreeMap<String, String>,
}

/// Sees for a server.
#[derive(Debug)]
pub(super) struct Observer {
    pub(super) sight: Arc<Sight>,
    /// Whether the credentials are a caller's. What such a list holds is the caller's business.
    pub(super) by_caller: bool,
}

impl Default for Sight {
    fn default() -> Self {
        Self { since: Instant::now(), state: Mutex::default() }
    }
}

impl Sight {
    pub(super) fn health(&self) -> Health {
        self.state.lock().pulse.state()
    }

    /// What the server listed last; a list that came up less than 30 s after the one before is told later.
    pub(super) fn listing(&self) -> Option<Arc<Listing>> {
        let now = self.since.elapsed();
        let mut state = self.state.lock();
        let is_apart = state.told.is_none() || now.saturating_sub(state.changed) >= APART;
        if state.told != state.latest && is_apart {
            state.told = state.latest.clone();
            state.changed = now;
        }
        state.told.clone()
    }

    fn note(&self, result: Result<(), Trouble>) {
        self.state.lock().pulse.note(result, self.since.elapsed());
    }
}

impl Witness for Observer {
    fn listed(&self, catalog: &Catalog) {
        self.sight.note(Ok(()));
        if !self.by_caller {
            let listing = Listing::of(catalog);
            let mut state = self.sight.state.lock();
            if state.latest.as_deref() != Some(&listing) {
                state.latest = Some(Arc::new(listing));
            }
        }
    }

    fn unlisted(&self, failure: &Failure) {
        if let Some(trouble) = health::of_list(failure, self.by_caller) {
            self.sight.note(Err(trouble));
        }
    }

    fn answered(&self) {
        self.sight.note(Ok(()));
    }

    fn unanswered(&self, failure: &Failure) {
        if let Some(result) = health::of_call(failure, self.by_caller) {
            self.sight.note(result);
        }
    }
}

impl Listing {
    fn of(catalog: &Catalog) -> Self {
        let owned = |(name, digest): (&str, &str)| (name.to_owned(), digest.to_owned());
        Self {
            protocol: catalog.protocol.chars().take(VERSION_CHARS).collect(),
            digest: catalog.digest(),
            tools: catalog.digests().into_iter().map(owned).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;
    use tools::mcp::Reason;

    use super::*;

    fn observer(by_caller: bool) -> Observer {
        Observer { sight: Arc::default(), by_caller }
    }

    fn catalog(protocol: &str) -> Catalog {
        Catalog::empty(protocol)
    }

    fn told(observer: &Observer) -> Option<String> {
        observer.sight.listing().map(|listing| listing.protocol.clone())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_list_is_told_at_once_and_another_one_half_a_minute_later() {
        let observer = observer(false);
        assert_eq!(told(&observer), None);
        observer.listed(&catalog("one"));
        assert_eq!(told(&observer).as_deref(), Some("one"));
        observer.listed(&catalog("two"));
        advance(APART - Duration::from_millis(1)).await;
        assert_eq!(told(&observer).as_deref(), Some("one"));
        observer.listed(&catalog("three"));
        advance(Duration::from_millis(1)).await;
        assert_eq!(told(&observer).as_deref(), Some("three"), "what was between is past");
    }

    #[tokio::test(start_paused = true)]
    async fn a_callers_list_shows_that_the_server_is_there_and_nothing_else() {
        let observer = observer(true);
        (0..3).for_each(|_| observer.listed(&catalog("one")));
        assert_eq!((told(&observer), observer.sight.health()), (None, Health::Healthy));
        (0..3).for_each(|_| observer.unanswered(&Reason::Status(401).into()));
        advance(APART).await;
        assert_eq!(observer.sight.health(), Health::Healthy, "the caller's own credential");
    }

    #[tokio::test(start_paused = true)]
    async fn lists_and_calls_that_fail_tell_why() {
        let observer = observer(false);
        observer.unlisted(&Reason::Unreachable.into());
        observer.unanswered(&Reason::Timeout.into());
        observer.unlisted(&Reason::Status(503).into());
        assert_eq!(observer.sight.health(), Health::Troubled(Trouble::Unreachable));
        advance(APART).await;
        (0..3).for_each(|_| observer.answered());
        assert_eq!(observer.sight.health(), Health::Healthy);
    }
}
