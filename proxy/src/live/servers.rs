//! MCP servers of a snapshot → what requests can reach.

mod program;
mod sight;

use std::sync::Arc;
use std::time::Duration;

use config::delivery::{CATALOG_ITEMS, Catalog, Item, Mismatches};
use config::spec::{Held, McpApproval, McpCredential, McpServerSpec};
use config::{Entry, EntryId, Hash, Health, Snapshot};
use crds::mcp_server::{FailureMode, Pinning, Protocol};
use protocol::destination::{Denied, Destination, Reach};
use secrecy::SecretString;
use tools::connected::{Pace, Presentation};
use tools::mcp::{
    ClientAuth, ClientCredentials, Headers, Limits, Protocol as Era, Server, Timeouts, Witness,
};
use tools::policy::{Floor, Server as Terms};

use crate::egress::{self, Clients};
use crate::live::{Reaches, health};

pub use self::sight::Listing;
use self::sight::{Observer, Sight};

/// A server that callers name by its label.
pub struct Offered {
    pub spec: McpServerSpec,
    pub terms: Arc<Terms>,
    pub presentation: Arc<Presentation>,
    /// `None` where it cannot be used: a credential is missing, or the process may not go there.
    pub server: Option<Arc<Server>>,
    pub pace: Arc<Pace>,
    pub(super) hash: Hash,
    /// Whether the process may not go to its address.
    is_denied: bool,
    sight: Arc<Sight>,
}

impl Offered {
    /// Makes the client of a server; nothing is dialled. What was seen of `before` is seen of this one, if it is the same server.
    ///
    /// Errors: a credential that cannot be sent, or the TLS set-up fails.
    pub(super) fn new(
        entry: &Entry,
        spec: &McpServerSpec,
        snapshot: &Snapshot,
        (reaches, clients, before): (Reaches, &Clients, Option<&Self>),
    ) -> Result<Self, String> {
        let mut server = server(entry, spec, snapshot, (reaches, clients))?;
        let known = before.filter(|before| before.spec.is_same_server(spec));
        let sight = known.map(|known| Arc::clone(&known.sight)).unwrap_or_default();
        if let Some(server) = &mut server {
            server.witness = Some(Arc::new(Observer { sight: Arc::clone(&sight), by_caller: false }));
        }
        let url = spec.url.as_deref();
        Ok(Self {
            is_denied: url.is_some_and(|url| usable(url, spec, reach(spec, reaches)).is_err()),
            sight,
            terms: Arc::new(terms(entry, spec)),
            presentation: Arc::new(presentation(spec)),
            server: server.map(Arc::new),
            pace: Arc::new(Pace::new(spec.limits.calls_per_second)),
            hash: entry.hash,
            spec: spec.clone(),
        })
    }

    /// Whether a response fails without its tools.
    pub fn is_required(&self) -> bool {
        self.spec.failure_mode == FailureMode::Closed
    }

    /// Sees what becomes of requests with credentials of a caller.
    pub fn witness_of_callers(&self) -> Arc<dyn Witness> {
        Arc::new(Observer { sight: Arc::clone(&self.sight), by_caller: true })
    }

    /// How it fares; `None` if too few requests were made to tell.
    pub fn health(&self) -> Option<Health> {
        if self.is_denied { Some(Health::EgressDenied) } else { health::told(self.sight.health()) }
    }

    /// What it listed, with its own credential.
    pub fn listing(&self) -> Option<Arc<Listing>> {
        self.sight.listing()
    }

    /// The same as it is told: bounded, and compared with the pins.
    pub fn catalog(&self, id: &EntryId, listing: &Listing) -> Catalog {
        let items = listing.tools.iter().take(CATALOG_ITEMS);
        let item = |(name, digest): (&String, &String)| Item { name: name.clone(), digest: digest.clone() };
        let pins = self.presentation.pins.iter();
        let is_other =
            |(name, pin): &(&String, &String)| listing.tools.get(*name).is_some_and(|digest| digest != *pin);
        Catalog {
            id: id.clone(),
            hash: self.hash,
            protocol: listing.protocol.clone(),
            digest: listing.digest.clone(),
            count: listing.tools.len(),
            items: items.map(item).collect(),
            mismatches: Mismatches::of(
                pins.filter(is_other).map(|(name, _)| name.as_str()),
                self.presentation.pins_are_enforced,
            ),
        }
    }

    /// Whether credentials of a caller may go there.
    pub fn guards_credentials(&self, server: &Server) -> bool {
        let is_guarded = server.web().is_none_or(|web| web.url.is_encrypted_or_local());
        is_guarded || self.spec.allow_plaintext_credentials
    }

    /// The longest result that a model sees.
    pub fn result_bytes(&self) -> usize {
        size(self.spec.limits.result_bytes)
    }
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn terms(entry: &Entry, spec: &McpServerSpec) -> Terms {
    Terms {
        id: Some(entry.id.as_str().to_owned()),
        label: spec.label.clone(),
        trusted: spec.tools.trust_annotations,
        allow: spec.tools.filter.allow.clone(),
        deny: spec.tools.filter.deny.clone(),
        approval: match &spec.approval {
            McpApproval::Always(exempt) => Floor::Always(exempt.clone()),
            McpApproval::Never => Floor::Never,
        },
    }
}

fn presentation(spec: &McpServerSpec) -> Presentation {
    let pins = match spec.tools.pinning {
        Pinning::Disabled => Default::default(),
        Pinning::Audit | Pinning::Enforce => spec.tools.pins.clone(),
    };
    Presentation {
        descriptions: spec.tools.overrides.clone(),
        pins,
        pins_are_enforced: spec.tools.pinning == Pinning::Enforce,
    }
}

fn server(
    entry: &Entry,
    spec: &McpServerSpec,
    snapshot: &Snapshot,
    (reaches, clients): (Reaches, &Clients),
) -> Result<Option<Server>, String> {
    let reach = reach(spec, reaches);
    let Some(url) = spec.url.as_ref().and_then(|url| usable(url, spec, reach).ok()) else { return Ok(None) };
    let Some((headers, oauth)) = credentials(spec, snapshot, reach)? else { return Ok(None) };
    let millis = Duration::from_millis;
    let (connect, host) = (millis(spec.timeouts.connect_ms), url.url().host_str().unwrap_or_default());
    let client = if spec.tls.is_default() {
        clients.get(reach, connect).map_err(|error| crate::error::chain(&error))?
    } else {
        egress::mcp(reach, connect, (&spec.tls, host))?
    };
    let mut server = Server::new(client, url, reach);
    server.protocol = era(spec.protocol);
    (server.headers, server.oauth) = (headers, oauth);
    server.limits = limits(spec);
    server.timeouts = Timeouts {
        list: millis(spec.timeouts.list_ms),
        call: millis(spec.timeouts.call_ms),
        total: millis(spec.timeouts.total_ms),
    };
    server.catalog_ttl = millis(spec.catalog_ttl_ms);
    server.object = Some(entry.id.as_str().to_owned());
    if !spec.tls.is_default() {
        let tls = serde_json::to_vec(&spec.tls).map_err(|error| error.to_string())?;
        server.trust = Some(Hash::of(&tls).to_string());
    }
    Ok(Some(server))
}

/// A result comes twice from some servers, as text and structured, and escaped: it has to fit into a message. It is cut where
/// what nobody is to see was replaced, not before.
fn limits(spec: &McpServerSpec) -> Limits {
    let defaults = Limits::default();
    let message_bytes = defaults.message_bytes.max(size(spec.limits.result_bytes).saturating_mul(4));
    Limits {
        tools: size(spec.limits.tools),
        calls: size(spec.limits.concurrent_calls),
        output_bytes: message_bytes,
        message_bytes,
        ..defaults
    }
}

fn reach(spec: &McpServerSpec, reaches: Reaches) -> Reach {
    Reach { http: true, private: spec.allow_private_endpoint, loopback: reaches.loopback }
}

/// Where credentials go in the clear only to this machine, unless the object says otherwise.
fn usable(url: &str, spec: &McpServerSpec, reach: Reach) -> Result<Destination, Denied> {
    let url = Destination::parse(url, reach)?;
    let guards = url.is_encrypted_or_local() || spec.allow_plaintext_credentials;
    let is_open = spec.credential == McpCredential::None;
    if guards || is_open { Ok(url) } else { Err(Denied::Scheme) }
}

type Credentials = (Headers, Option<ClientCredentials>);

/// The server's own credential; `None` if a part of it is missing.
fn credentials(
    spec: &McpServerSpec,
    snapshot: &Snapshot,
    reach: Reach,
) -> Result<Option<Credentials>, String> {
    let value = |held: &Held| {
        let value = snapshot.secrets.get(&held.secret);
        value
            .map(|value| SecretString::from(value.expose().to_owned()))
            .ok_or_else(|| format!("{} is not in the snapshot", held.secret))
    };
    let bad = |error: tools::mcp::BadHeader| error.to_string();
    let headers = Headers::default();
    Ok(Some(match &spec.credential {
        McpCredential::None => (headers, None),
        McpCredential::Missing => return Ok(None),
        McpCredential::Bearer(held) => (headers.with_bearer(&value(held)?).map_err(bad)?, None),
        McpCredential::Headers(named) => {
            let mut headers = headers;
            for (name, held) in named {
                headers = headers.with(name, &value(held)?).map_err(bad)?;
            }
            (headers, None)
        }
        McpCredential::ClientCredentials(client) => {
            let Ok(token_url) = usable(&client.token_url, spec, reach) else { return Ok(None) };
            let client_id = value(&client.client_id)?;
            let credentials = ClientCredentials {
                token_url,
                client_id: secrecy::ExposeSecret::expose_secret(&client_id).to_owned(),
                client_secret: value(&client.client_secret)?,
                auth: ClientAuth::default(),
                scopes: client.scopes.iter().cloned().collect(),
                resource: Some(client.resource.clone()),
                audience: None,
            };
            (headers, Some(credentials))
        }
    }))
}

fn era(protocol: Protocol) -> Era {
    match protocol {
        Protocol::Auto => Era::Auto,
        Protocol::Modern => Era::Modern,
        Protocol::Legacy => Era::Legacy,
        Protocol::Sse => Era::Sse,
    }
}
