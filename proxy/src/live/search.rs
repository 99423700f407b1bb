//! The search engine of a gateway → what requests can reach.

use std::sync::Arc;
use std::time::Duration;

use config::spec::{GatewaySpec, SearchApi, WebSearch as Engine};
use config::{Entry, Hash, Snapshot, Spec};
use protocol::destination::{Destination, Reach};
use secrecy::SecretString;
use tools::builtin::Builtin;
use tools::web_search::{Brave, SearchEngine, Searxng, Tavily, Unavailable, Web, WebSearch};

use crate::egress::Clients;
use crate::live::Reaches;
use crate::live::build::Rejected;

/// How long a connection to an engine or to a page may take.
const CONNECT: Duration = Duration::from_secs(2);

/// The tool, as the gateway sets it up.
pub struct Searching {
    pub tool: Arc<dyn Builtin>,
    hash: Hash,
}

/// Makes the tool, or keeps it where nothing has changed. `None` where the gateway names no engine; nothing is dialled.
///
/// Errors: the key is not in the snapshot, or the TLS set-up fails.
pub(super) fn of(
    snapshot: &Snapshot,
    known: Option<&Arc<Searching>>,
    means: (Reaches, &Clients),
) -> Result<Option<Arc<Searching>>, Rejected> {
    let Some((entry, gateway, engine)) = asked(snapshot) else { return Ok(None) };
    if let Some(known) = known.filter(|known| known.hash == entry.hash) {
        return Ok(Some(Arc::clone(known)));
    }
    match tool(gateway, engine, snapshot, means) {
        Ok(tool) => Ok(Some(Arc::new(Searching { tool, hash: entry.hash }))),
        Err(message) => Err(Rejected { entry: entry.id.clone(), message }),
    }
}

fn asked(snapshot: &Snapshot) -> Option<(&Entry, &GatewaySpec, &Engine)> {
    snapshot.entries.values().find_map(|entry| {
        let Spec::Gateway(gateway) = &entry.spec else { return None };
        // What is a tool of an MCP server is reached as that.
        let engine = gateway.web_search.as_ref().filter(|engine| !matches!(engine, Engine::Mcp(_)))?;
        Some((entry.as_ref(), gateway, engine))
    })
}

fn tool(
    gateway: &GatewaySpec,
    engine: &Engine,
    snapshot: &Snapshot,
    (reaches, clients): (Reaches, &Clients),
) -> Result<Arc<dyn Builtin>, String> {
    let reach = Reach { http: true, private: true, loopback: reaches.loopback };
    let Some(engine) = adapter(engine, snapshot, reach)? else { return Ok(Arc::new(Unavailable)) };
    let client = |reach| clients.get(reach, CONNECT).map_err(|error| crate::error::chain(&error));
    let web = Web {
        engine: client(reach)?,
        pages: client(Reach::of_caller(reaches.loopback))?,
        loopback: reaches.loopback,
        patience: Duration::from_millis(gateway.fetch.timeout_ms),
        page_bytes: usize::try_from(gateway.fetch.page_bytes).unwrap_or(usize::MAX),
    };
    Ok(Arc::new(WebSearch { engine, web: Arc::new(web) }))
}

/// The adapter of an engine; `None` if its key is missing, or the process may not go there.
fn adapter(
    engine: &Engine,
    snapshot: &Snapshot,
    reach: Reach,
) -> Result<Option<Arc<dyn SearchEngine>>, String> {
    let key = |api: &SearchApi| {
        let Some(held) = &api.key else { return Ok(None) };
        let guards = Destination::parse(&api.base_url, reach).is_ok_and(|url| url.is_encrypted_or_local());
        let value = snapshot.secrets.get(&held.secret);
        let value = value.ok_or_else(|| format!("{} is not in the snapshot", held.secret))?;
        Ok::<_, String>(guards.then(|| SecretString::from(value.expose().to_owned())))
    };
    Ok(match engine {
        Engine::Mcp(_) => None, // reached as a tool of its server
        Engine::Searxng { url } => {
            Destination::parse(url, reach).ok().map(|_| Arc::new(Searxng { url: url.clone() }) as _)
        }
        Engine::Brave(api) => {
            let base_url = api.base_url.clone();
            key(api)?.map(|key| Arc::new(Brave { base_url, key }) as _)
        }
        Engine::Tavily(api) => {
            let base_url = api.base_url.clone();
            key(api)?.map(|key| Arc::new(Tavily { base_url, key }) as _)
        }
    })
}
