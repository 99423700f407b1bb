//! What tells connections apart: whatever could make an answer that is meant for one caller reach another.

use protocol::id::Tenant;
use sha2::{Digest, Sha256};

use crate::mcp::{Headers, Place, Server};

/// Names a connection, or a tool list that is shared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) tenant: Tenant,
    digest: [u8; 32],
}

impl Key {
    /// Of a connection: the tenant, the server with all its settings, and every header that it is sent.
    pub(super) fn of_connection(tenant: &Tenant, server: &Server, headers: &Headers) -> Self {
        Self::new(tenant, server, &headers.digest())
    }

    /// Of a tool list that is the same for all credentials of a tenant; `None` for a server that is no object.
    pub(super) fn of_public_list(tenant: &Tenant, server: &Server) -> Option<Self> {
        server.object.as_ref().map(|_| Self::new(tenant, server, b"public"))
    }

    fn new(tenant: &Tenant, server: &Server, credentials: &[u8]) -> Self {
        let (place, reach) = match &server.place {
            Place::Web(web) => (web.url.url().as_str(), Some(web.reach)),
            Place::Program(program) => (program.label(), None),
        };
        let rules = format!("{reach:?}{:?}{:?}{:?}", server.protocol, server.limits, server.timeouts);
        let object = format!("{:?}{:?}", server.object, server.trust);
        let parts = [place.as_bytes(), rules.as_bytes(), object.as_bytes(), credentials];
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self { tenant: tenant.clone(), digest: hash.finalize().into() }
    }
}
