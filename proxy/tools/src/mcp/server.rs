//! What is known of a server before it is asked anything, and what a call brings.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use protocol::Object;
use protocol::destination::{Destination, Reach};
use tokio::sync::Semaphore;

use super::{ClientCredentials, Headers, Program, Witness};

/// A server, and how it may be spoken to.
#[derive(Debug)]
pub struct Server {
    /// Where it is.
    pub place: Place,
    /// Which protocol it speaks.
    pub protocol: Protocol,
    /// Sent with every request.
    pub headers: Headers,
    /// Gets the bearer token, where none is configured.
    pub oauth: Option<ClientCredentials>,
    /// Bounds on what it may send and on what it is asked for.
    pub limits: Limits,
    /// Bounds on how long it may take.
    pub timeouts: Timeouts,
    /// Age of a tool list of which the server does not say how long it holds.
    pub catalog_ttl: Duration,
    /// The object of the configuration that it comes from. Public tool lists are shared within one, and [`super::Pool::forget`]
    /// goes by it.
    pub object: Option<String>,
    /// Tells apart whose certificates its client trusts, where that is not what the system says.
    pub trust: Option<String>,
    /// Who is told what became of requests.
    pub witness: Option<Arc<dyn Witness>>,
    slots: OnceLock<Arc<Semaphore>>,
}

/// Where a server is.
#[derive(Clone, Debug)]
pub enum Place {
    /// At a URL.
    Web(Web),
    /// On this machine: it is started when it is needed.
    Program(Arc<Program>),
}

/// A URL, and how it may be reached.
#[derive(Clone, Debug)]
pub struct Web {
    /// Checked.
    pub url: Destination,
    /// How far it may lie inside; URLs that the server names itself are checked by it.
    pub reach: Reach,
    /// Guarded: follows no redirect, knows no proxy, checks every address, and has no timeout but the one for connecting.
    pub client: reqwest::Client,
}

/// Which protocol a server speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Found out, and remembered until it fails.
    #[default]
    Auto,
    /// Streamable HTTP without sessions: 2026-07-28 and later.
    Modern,
    /// Streamable HTTP with `initialize`.
    Legacy,
    /// HTTP+SSE of 2024-11-05.
    Sse,
}

/// Bounds on what a server may send and on what it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pages of a tool list.
    pub pages: usize,
    /// Tools of a list.
    pub tools: usize,
    /// One message: a JSON body or an SSE event.
    pub message_bytes: usize,
    /// All pages of a tool list.
    pub list_bytes: usize,
    /// The description of a tool; longer ones are cut.
    pub description_bytes: usize,
    /// A schema of a tool; a tool with a larger one is dropped.
    pub schema_bytes: usize,
    /// Nesting of a schema.
    pub schema_depth: usize,
    /// What a model is told of a result; more is cut, visibly.
    pub output_bytes: usize,
    /// Rounds of questions that a tool may ask within a call.
    pub input_rounds: usize,
    /// Calls at once.
    pub calls: usize,
}

/// Bounds on how long a server may take. The client has the one for connecting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// A handshake, and a tool list with all its pages.
    pub list: Duration,
    /// A call; progress begins it anew.
    pub call: Duration,
    /// A call, whatever its progress.
    pub total: Duration,
}

/// A call of a tool.
#[derive(Clone, Default)]
pub struct Call {
    /// The tool's own name.
    pub tool: String,
    /// Its arguments.
    pub arguments: Object,
    /// The trace that the call belongs to.
    pub trace: Trace,
    /// Hears of progress.
    pub progress: Option<Sink>,
}

/// W3C trace context, which goes into `_meta`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// `traceparent`.
    pub parent: Option<String>,
    /// `tracestate`.
    pub state: Option<String>,
}

/// Hears of a call's progress. It is called from the connection's task, so it must not block.
pub type Sink = Arc<dyn Fn(Progress) + Send + Sync>;

/// How far a call has come, in the tool's own units.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// So far.
    pub progress: f64,
    /// Of how much, if that is known.
    pub total: Option<f64>,
    /// In the tool's words: cleaned and cut.
    pub message: Option<String>,
}

impl Server {
    /// A server with the default limits, no credentials, and a protocol to be found out.
    pub fn new(client: reqwest::Client, url: Destination, reach: Reach) -> Self {
        Self::at(Place::Web(Web { url, reach, client }))
    }

    /// The same at any place.
    pub fn at(place: Place) -> Self {
        Self {
            place,
            protocol: Protocol::default(),
            headers: Headers::default(),
            oauth: None,
            trust: None,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            catalog_ttl: Duration::from_secs(60),
            object: None,
            witness: None,
            slots: OnceLock::new(),
        }
    }

    /// The same server with headers of a caller beside its own, which win. Calls at once are counted together; what becomes of
    /// them is told to nobody, unless the caller of this says so.
    #[must_use]
    pub fn with_headers(&self, headers: Headers) -> Self {
        Self {
            place: self.place.clone(),
            protocol: self.protocol,
            headers,
            oauth: self.oauth.clone(),
            limits: self.limits,
            timeouts: self.timeouts,
            catalog_ttl: self.catalog_ttl,
            object: self.object.clone(),
            trust: self.trust.clone(),
            witness: None,
            slots: OnceLock::from(Arc::clone(self.slots())),
        }
    }

    /// Its URL, if it has one.
    pub fn web(&self) -> Option<&Web> {
        match &self.place {
            Place::Web(web) => Some(web),
            Place::Program(_) => None,
        }
    }

    /// What bounds the calls at once, whoever makes them.
    pub(super) fn slots(&self) -> &Arc<Semaphore> {
        self.slots
            .get_or_init(|| Arc::new(Semaphore::new(self.limits.calls.clamp(1, Semaphore::MAX_PERMITS))))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pages: 32,
            tools: 1_000,
            message_bytes: 4 << 20,
            list_bytes: 4 << 20,
            description_bytes: 4 << 10,
            schema_bytes: 64 << 10,
            schema_depth: 32,
            output_bytes: 256 << 10,
            input_rounds: 10,
            calls: 16,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { list: seconds(10), call: seconds(60), total: seconds(300) }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("tool", &self.tool).finish_non_exhaustive()
    }
}
