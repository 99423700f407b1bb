//! One connection of the pool, opened when it is needed, and the tool list that came over it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::eras::Eras;
use crate::mcp::catalog::{self, Catalog};
use crate::mcp::failure::{Failure, Reason};
use crate::mcp::joint::Joint;
use crate::mcp::session::{Era, Session, Wire};

type Opened = Result<Arc<Session>, Failure>;
type Listed = Result<Arc<Catalog>, Failure>;

/// One connection of the pool.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) object: Option<String>,
    used: Mutex<Instant>,
    session: Mutex<Option<Arc<Session>>>,
    opening: Joint<Opened>,
    kept: Mutex<Option<Kept>>,
    listing: Joint<Listed>,
}

/// A tool list, and until when it holds.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) catalog: Arc<Catalog>,
    pub(super) until: Instant,
    /// How often the server had said that its tools changed.
    changes: usize,
}

impl Entry {
    pub(super) fn new(object: Option<String>) -> Self {
        Self {
            object,
            used: Mutex::new(Instant::now()),
            session: Mutex::default(),
            opening: Joint::default(),
            kept: Mutex::default(),
            listing: Joint::default(),
        }
    }

    pub(super) fn touch(&self) {
        *self.used.lock() = Instant::now();
    }

    pub(super) fn used(&self) -> Instant {
        *self.used.lock()
    }

    /// True if somebody waits for something that comes over it.
    pub(super) fn is_busy(&self) -> bool {
        self.session.lock().as_ref().is_some_and(|session| Arc::strong_count(session) > 1)
    }

    pub(super) fn take_session(&self) -> Option<Arc<Session>> {
        self.session.lock().take()
    }

    /// Lets go of the connection, unless there is another one by now.
    pub(super) fn retire(&self, session: &Arc<Session>) {
        let mut held = self.session.lock();
        if held.as_ref().is_some_and(|held| Arc::ptr_eq(held, session)) {
            *held = None;
        }
    }

    /// The tool list, if there is one that holds.
    pub(super) fn kept(&self) -> Option<Kept> {
        let changes = self.alive().map(|session| session.changes());
        let is_good = |kept: &Kept| {
            kept.until > Instant::now() && changes.is_none_or(|changes| changes == kept.changes)
        };
        self.kept.lock().clone().filter(is_good)
    }

    /// How much of the wire the tool list took that is kept.
    pub(super) fn kept_bytes(&self) -> usize {
        self.kept.lock().as_ref().map_or(0, |kept| kept.catalog.bytes)
    }

    pub(super) fn forget_list(&self) {
        *self.kept.lock() = None;
    }

    /// The connection, opened if there is none.
    ///
    /// Errors: it cannot be opened.
    pub(super) async fn session(self: &Arc<Self>, wire: &Wire, eras: &Arc<Eras>) -> Opened {
        if let Some(session) = self.alive() {
            return Ok(session);
        }
        let opening = self.opening.join(|| {
            let (entry, wire, eras) = (Arc::clone(self), wire.clone(), Arc::clone(eras));
            async move {
                let session = Arc::new(eras.open(&wire).await?);
                *entry.session.lock() = Some(Arc::clone(&session));
                Ok(session)
            }
            .boxed()
        });
        opening.await
    }

    /// Asks for the tool list, and keeps it as long as the server says, or else for `ttl`. Whoever asks meanwhile gets the same.
    pub(super) fn list(
        self: &Arc<Self>,
        wire: &Wire,
        eras: &Arc<Eras>,
        ttl: Duration,
    ) -> Shared<BoxFuture<'static, Listed>> {
        self.listing.join(|| {
            let (entry, wire, eras) = (Arc::clone(self), wire.clone(), Arc::clone(eras));
            async move {
                let (catalog, changes) = entry.load(&wire, &eras).await?;
                let until = Instant::now() + catalog.ttl.unwrap_or(ttl);
                *entry.kept.lock() = Some(Kept { catalog: Arc::clone(&catalog), until, changes });
                Ok(catalog)
            }
            .boxed()
        })
    }

    /// A connection that turns out to be gone is replaced once.
    async fn load(self: &Arc<Self>, wire: &Wire, eras: &Arc<Eras>) -> Result<(Arc<Catalog>, usize), Failure> {
        let was_open = self.alive().is_some();
        match self.load_once(wire, eras).await {
            Err(failure) if was_open && is_gone(&failure) => self.load_once(wire, eras).await,
            other => other,
        }
    }

    async fn load_once(
        self: &Arc<Self>,
        wire: &Wire,
        eras: &Arc<Eras>,
    ) -> Result<(Arc<Catalog>, usize), Failure> {
        let session = self.session(wire, eras).await?;
        let changes = session.changes();
        let loaded = catalog::load(&session, &wire.limits).await;
        self.settle(wire, eras, &session, &loaded);
        Ok((Arc::new(loaded?), changes))
    }

    /// Lets go of what a failure shows to be of no further use.
    pub(super) fn settle<T>(
        &self,
        wire: &Wire,
        eras: &Eras,
        session: &Arc<Session>,
        result: &Result<T, Failure>,
    ) {
        let Err(failure) = result else { return };
        // Over HTTP+SSE every answer comes by one stream: one that is late may be one that does not come any more.
        let is_mute = session.era() == Era::Sse && failure.reason() == Some(Reason::Timeout);
        if is_mute || failure.reason().is_some_and(Reason::ends_connection) {
            self.retire(session);
            eras.forget(wire);
        }
    }

    fn alive(&self) -> Option<Arc<Session>> {
        self.session.lock().as_ref().filter(|session| session.is_alive()).cloned()
    }
}

fn is_gone(failure: &Failure) -> bool {
    matches!(
        failure.reason(),
        Some(Reason::Lost | Reason::Unreachable | Reason::Tls | Reason::Status(400 | 404 | 405))
    )
}
