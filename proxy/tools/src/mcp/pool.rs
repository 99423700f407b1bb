//! Connections and tool lists of a process, by tenant, server and credentials. Nothing is shared between tenants.

mod entry;
mod eras;
mod key;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use protocol::id::Tenant;
use tokio::time::{Instant, sleep, timeout};

use self::entry::{Entry, Kept};
use self::eras::Eras;
use self::key::Key;
use super::catalog::{self, Catalog};
use super::failure::{Failure, Reason};
use super::headers::Headers;
use super::oauth::{Token, Tokens};
use super::outcome::Outcome;
use super::server::{Call, Server};
use super::session::Wire;

/// How long a connection without a request is kept.
const IDLE: Duration = Duration::from_secs(300);
/// How often idle connections are looked for.
const SWEEP: Duration = Duration::from_secs(30);
/// How many connections a tenant may have; the least recently used goes first.
const CONNECTIONS: usize = 256;
/// How much the tool lists that are kept of a tenant may have taken on the wire.
const LISTS_BYTES: usize = 32 << 20;
/// JSON-RPC, since 2026-07-28: a header of the request does not agree with its body.
const HEADER_MISMATCH: i64 = -32020;

/// The connections of a process.
#[derive(Clone, Debug, Default)]
pub struct Pool(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    entries: Mutex<BTreeMap<Key, Arc<Entry>>>,
    /// Tool lists that are the same for all credentials of a tenant.
    public: Mutex<BTreeMap<Key, Kept>>,
    eras: Arc<Eras>,
    tokens: Tokens,
}

/// What a request goes out with.
struct Access {
    headers: Headers,
    /// The token in them, if it was asked for here.
    token: Option<Token>,
}

/// A tool list, and whether it was there already.
struct Listed {
    catalog: Arc<Catalog>,
    is_kept: bool,
}

impl Pool {
    /// The tools of a server, from the cache if they are there.
    ///
    /// Errors: they cannot be had within the time for a list.
    pub async fn list(&self, tenant: &Tenant, server: &Server) -> Result<Arc<Catalog>, Failure> {
        let listed = timeout(server.timeouts.list, Box::pin(self.list_twice(tenant, server))).await;
        let listed = listed.unwrap_or_else(|_| Err(Reason::Timeout.into()));
        if let Some(witness) = &server.witness {
            match &listed {
                Ok(Listed { is_kept: true, .. }) => {}
                Ok(listed) => witness.listed(&listed.catalog),
                Err(failure) => witness.unlisted(failure),
            }
        }
        listed.map(|listed| listed.catalog)
    }

    /// Calls a tool. Dropping the future cancels the call at the server.
    ///
    /// Errors: the tool failed, or the server did, or the time for a call is over.
    pub async fn call(&self, tenant: &Tenant, server: &Server, call: &Call) -> Result<Outcome, Failure> {
        let called = timeout(server.timeouts.total, Box::pin(self.call_twice(tenant, server, call))).await;
        let called = called.unwrap_or_else(|_| Err(Reason::Timeout.into()));
        if let Some(witness) = &server.witness {
            match &called {
                Ok(_) | Err(Failure::Execution { .. }) => witness.answered(),
                Err(failure) => witness.unanswered(failure),
            }
        }
        called
    }

    /// Closes connections that nobody used for five minutes. Never ends; its owner drops it.
    pub async fn keep(&self) {
        loop {
            sleep(SWEEP).await;
            self.sweep(Instant::now());
        }
    }

    /// Lets go of what belongs to an object of the configuration that changed or went. Calls in flight go on to their end.
    pub fn forget(&self, object: &str) {
        let mut gone = Vec::new();
        self.0.entries.lock().retain(|_, entry| {
            let stays = entry.object.as_deref() != Some(object);
            if !stays {
                gone.push(Arc::clone(entry));
            }
            stays
        });
        self.0.public.lock().clear();
        drop(gone);
    }

    /// Ends all sessions at their servers, each within two seconds; those of calls in flight end with them.
    pub async fn close(&self) {
        let entries = std::mem::take(&mut *self.0.entries.lock());
        let sessions = entries.into_values().filter_map(|entry| entry.take_session());
        join_all(sessions.filter_map(Arc::into_inner).map(|session| Box::pin(session.close()))).await;
    }

    /// How many connections a tenant has or is about to have.
    pub fn connections(&self, tenant: &Tenant) -> usize {
        self.0.entries.lock().keys().filter(|key| key.tenant == *tenant).count()
    }

    async fn list_twice(&self, tenant: &Tenant, server: &Server) -> Result<Listed, Failure> {
        let access = self.access(server).await?;
        let listed = self.list_once(tenant, server, &access).await;
        if !self.renews(server, &access, &listed) {
            return listed;
        }
        self.list_once(tenant, server, &self.access(server).await?).await
    }

    async fn list_once(&self, tenant: &Tenant, server: &Server, access: &Access) -> Result<Listed, Failure> {
        let public = Key::of_public_list(tenant, server);
        let now = Instant::now();
        let shared = public.as_ref().and_then(|key| self.0.public.lock().get(key).cloned());
        if let Some(kept) = shared.filter(|kept| kept.until > now) {
            return Ok(Listed { catalog: kept.catalog, is_kept: true });
        }
        let key = Key::of_connection(tenant, server, &access.headers);
        let entry = self.entry(&key, server);
        if let Some(kept) = entry.kept() {
            return Ok(Listed { catalog: kept.catalog, is_kept: true });
        }
        let listed = entry.list(&wire(server, access), &self.0.eras, server.catalog_ttl).await;
        self.trim(tenant);
        self.drop_refused(&key, &listed);
        if let (Some(key), Some(kept)) = (public, entry.kept().filter(|kept| kept.catalog.is_public)) {
            self.0.public.lock().insert(key, kept);
        }
        listed.map(|catalog| Listed { catalog, is_kept: false })
    }

    async fn call_twice(&self, tenant: &Tenant, server: &Server, call: &Call) -> Result<Outcome, Failure> {
        let _slot = server.slots().acquire().await.map_err(|_| Reason::Lost)?;
        let access = self.access(server).await?;
        let called = self.call_once(tenant, server, &access, call).await;
        if !self.renews(server, &access, &called) {
            return called;
        }
        self.call_once(tenant, server, &self.access(server).await?, call).await
    }

    async fn call_once(
        &self,
        tenant: &Tenant,
        server: &Server,
        access: &Access,
        call: &Call,
    ) -> Result<Outcome, Failure> {
        let key = Key::of_connection(tenant, server, &access.headers);
        let (entry, wire) = (self.entry(&key, server), wire(server, access));
        let opened = entry.session(&wire, &self.0.eras).await;
        self.drop_refused(&key, &opened);
        let session = opened?;
        let mut called = session.call(call).await;
        if is_header_mismatch(&called) {
            // Which arguments go into headers stands in the tool list, which this connection has not seen. Nothing ran.
            catalog::load(&session, &wire.limits).await?;
            called = session.call(call).await;
        }
        entry.touch();
        entry.settle(&wire, &self.0.eras, &session, &called);
        self.drop_refused(&key, &called);
        called
    }

    /// The headers of a request, with a token where it takes one.
    async fn access(&self, server: &Server) -> Result<Access, Failure> {
        let headers = server.headers.clone();
        let oauth = server.oauth.as_ref().filter(|_| !headers.has_authorization());
        let Some((credentials, web)) = oauth.zip(server.web()) else {
            return Ok(Access { headers, token: None });
        };
        let token = self.0.tokens.get(&web.client, credentials, server.timeouts.list).await?;
        let headers = headers.with_bearer(&token.secret).map_err(|_| Reason::Token)?;
        Ok(Access { headers, token: Some(token) })
    }

    /// True if the server did not take a token of ours, which is forgotten then: nothing ran, and a new one may do.
    fn renews<T>(&self, server: &Server, access: &Access, result: &Result<T, Failure>) -> bool {
        let refused = result.as_ref().err().is_some_and(Failure::is_unauthorized);
        match (&server.oauth, &access.token) {
            (Some(credentials), Some(token)) if refused => {
                self.0.tokens.forget(credentials, token);
                true
            }
            _ => false,
        }
    }

    /// After a refusal, the next request begins with nothing.
    fn drop_refused<T>(&self, key: &Key, result: &Result<T, Failure>) {
        let reason = result.as_ref().err().and_then(Failure::reason);
        if matches!(reason, Some(Reason::Status(401 | 403))) {
            self.0.entries.lock().remove(key);
        }
    }

    /// Forgets tool lists of a tenant that are too much together, the least recently used first.
    fn trim(&self, tenant: &Tenant) {
        let entries = self.0.entries.lock();
        let own = entries.iter().filter(|(key, _)| key.tenant == *tenant).map(|(_, entry)| entry);
        let mut own: Vec<_> =
            own.map(|entry| (entry.kept_bytes(), entry)).filter(|(size, _)| *size > 0).collect();
        let mut total: usize = own.iter().map(|(size, _)| size).sum();
        if total <= LISTS_BYTES {
            return;
        }
        own.sort_by_key(|(_, entry)| entry.used());
        for (size, entry) in own {
            if total > LISTS_BYTES {
                entry.forget_list();
                total -= size;
            }
        }
    }

    /// The entry, and room for it.
    fn entry(&self, key: &Key, server: &Server) -> Arc<Entry> {
        let mut entries = self.0.entries.lock();
        if let Some(entry) = entries.get(key) {
            entry.touch();
            return Arc::clone(entry);
        }
        let own = || entries.iter().filter(|(other, _)| other.tenant == key.tenant);
        let oldest = own().min_by_key(|(_, entry)| entry.used()).map(|(key, _)| key.clone());
        let evicted = oldest.filter(|_| own().count() >= CONNECTIONS);
        let evicted = evicted.and_then(|key| entries.remove(&key));
        let entry = Arc::new(Entry::new(server.object.clone()));
        entries.insert(key.clone(), Arc::clone(&entry));
        drop((entries, evicted));
        entry
    }

    fn sweep(&self, now: Instant) {
        let is_used = |entry: &Entry| entry.is_busy() || now.duration_since(entry.used()) < IDLE;
        self.0.entries.lock().retain(|_, entry| Arc::strong_count(entry) > 1 || is_used(entry));
        self.0.public.lock().retain(|_, kept| kept.until > now);
        self.0.tokens.sweep();
    }
}

fn wire(server: &Server, access: &Access) -> Wire {
    Wire {
        place: server.place.clone(),
        protocol: server.protocol,
        headers: access.headers.pairs().to_vec(),
        limits: server.limits,
        timeouts: server.timeouts,
    }
}

fn is_header_mismatch<T>(result: &Result<T, Failure>) -> bool {
    matches!(result, Err(Failure::Protocol { code: HEADER_MISMATCH, .. }))
}

#[cfg(test)]
mod tests {
    use protocol::destination::{Destination, Reach};

    use super::*;
    use crate::mcp::server::{Place, Web};

    #[expect(clippy::disallowed_methods, reason = "nothing is dialled")]
    fn server(url: &str) -> Server {
        // Another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = Destination::parse(url, Reach::default()).expect("good");
        Server::new(reqwest::Client::new(), url, Reach::default())
    }

    fn web(server: &mut Server) -> &mut Web {
        let Place::Web(web) = &mut server.place else { panic!("it has a URL") };
        web
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_used_for_five_minutes_goes() {
        let (pool, tenant) = (Pool::default(), Tenant::new("acme"));
        let (used, idle) = (server("https://used.example/mcp"), server("https://idle.example/mcp"));
        let key = |server: &Server| Key::of_connection(&tenant, server, &server.headers);
        for server in [&used, &idle] {
            pool.entry(&key(server), server);
        }
        let walk = async {
            for _ in 0..20 {
                sleep(Duration::from_secs(20)).await;
                pool.entry(&key(&used), &used);
            }
        };
        tokio::select! {
            () = pool.keep() => {}
            () = walk => {}
        }
        assert_eq!(pool.0.entries.lock().keys().collect::<Vec<_>>(), [&key(&used)]);
    }

    #[test]
    fn whatever_could_part_two_callers_parts_their_keys() {
        let (acme, other) = (Tenant::new("acme"), Tenant::new("other"));
        let key = |tenant: &Tenant, change: &dyn Fn(&mut Server)| {
            let mut server = server("https://a.example/mcp");
            change(&mut server);
            Key::of_connection(tenant, &server, &server.headers)
        };
        let base = key(&acme, &|_| {});
        assert_eq!(base, key(&acme, &|_| {}));
        let token = secrecy::SecretString::from("t");
        let bearing = |server: &mut Server| {
            server.headers = Headers::default().with_bearer(&token).expect("good");
        };
        for changed in [
            key(&other, &|_| {}),
            key(&acme, &bearing),
            key(&acme, &|server| web(server).reach.private = true),
            key(&acme, &|server| server.object = Some("mcp/a/b".into())),
            key(&acme, &|server| server.limits.message_bytes = 1),
            key(&acme, &|server| server.timeouts.call = Duration::ZERO),
            key(&acme, &|server| {
                web(server).url =
                    Destination::parse("https://a.example/other", Reach::default()).expect("good");
            }),
        ] {
            assert_ne!(base, changed);
        }
    }
}
