//! The application without a transport: a request in, a reply out. Dropping what it returns cancels all work behind it.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use protocol::error::ApiError;
use providers::Call;
use store::Store;
use tokio::time::Instant;
use tools::policy::Rates;

use crate::api;
use crate::auth::Caller;
use crate::clock::{Clock, Seeds};
use crate::limits::{Limits, StreamPlace};
use crate::live::Live;
use crate::live::build::Runtime;
use crate::live::resolve::Resolution;
use crate::route::{Operation, Route};
use crate::runs::drive::Work;
use crate::runs::resolve::Prepared;
use crate::runs::standing::Standing;
use crate::telemetry::Metrics;
use crate::telemetry::access::Trail;
use crate::telemetry::trace;

/// A reply before it is written.
pub type Reply = http::Response<Body>;

/// The body of a reply.
pub enum Body {
    /// All at once.
    Full(Bytes),
    /// Piece by piece; each piece is one write.
    Stream(BoxStream<'static, Bytes>),
}

/// A request after its head was understood and its body read.
pub struct Request {
    pub route: Route,
    /// Without `?`.
    pub query: String,
    pub headers: Arc<HeaderMap>,
    pub body: Bytes,
    pub caller: Caller,
    /// What is served while this request is answered.
    pub runtime: Arc<Runtime>,
    /// `req_…`, in logs and in `x-request-id`.
    pub id: String,
    /// What the access line will say.
    pub trail: Trail,
}

/// All that requests share.
pub struct App {
    pub live: Live,
    pub store: Store,
    pub clock: Clock,
    pub seeds: Seeds,
    pub limits: Limits,
    pub metrics: Arc<Metrics>,
    pub drain: crate::edge::drain::InFlight,
    /// Tool calls of the last minute, for the limits of policies.
    pub rates: Arc<Rates>,
    /// The start of the process.
    pub since: Instant,
}

/// A stream that is counted.
pub struct OpenStream {
    _counted: crate::telemetry::metrics::OpenStream,
    _place: StreamPlace,
}

impl App {
    /// Answers a request; an error becomes its envelope.
    pub async fn handle(self: &Arc<Self>, request: Request) -> Reply {
        self.dispatch(request).await.unwrap_or_else(|error| refusal(&error))
    }

    async fn dispatch(self: &Arc<Self>, request: Request) -> Result<Reply, ApiError> {
        match request.route.operation {
            Operation::Health => Ok(json(StatusCode::OK, br#"{"status":"UP"}"#.as_slice())),
            Operation::CreateResponse => Box::pin(api::responses::create(self, request)).await,
            Operation::UpgradeResponses => Err(api::responses::upgrade_required()),
            Operation::GetResponse => api::responses::get(self, request).await,
            Operation::DeleteResponse => api::responses::delete(self, request).await,
            Operation::ListInputItems => api::responses::input_items(self, request).await,
            Operation::CountInputTokens => api::input_tokens::count(self, request).await,
            Operation::CreateChat => Box::pin(api::chat::create(self, request)).await,
            Operation::ListChats => api::stored_chat::list(self, request).await,
            Operation::GetChat => api::stored_chat::get(self, request).await,
            Operation::UpdateChat => api::stored_chat::update(self, request).await,
            Operation::DeleteChat => api::stored_chat::delete(self, request).await,
            Operation::ListChatMessages => api::stored_chat::messages(self, request).await,
            Operation::CreateEmbeddings => Box::pin(api::embeddings::create(self, request)).await,
            Operation::ListModels => api::models::list(&request),
            Operation::GetModel => api::models::get(&request),
            Operation::DeleteModel => Err(api::models::delete(&request)),
        }
    }
}

impl App {
    /// What a turn of this request works with.
    pub fn work(self: &Arc<Self>, request: &Request, prepared: &Prepared) -> Work {
        Work {
            standing: Standing::new(self, request, &prepared.turn.response.model),
            toolbox: prepared.toolbox.clone(),
            targets: Arc::clone(&prepared.resolution.targets),
            call: self.call(request, &prepared.resolution),
            label: prepared.resolution.label.clone(),
            metrics: Arc::clone(&self.metrics),
            trail: request.trail.clone(),
            wall_clock: request.runtime.settings.foreground,
            shutdown: self.drain.deadline.clone(),
        }
    }

    /// Counts a stream of this request, until the guard is dropped.
    ///
    /// Errors: 429 if the tenant has too many.
    pub fn open_stream(&self, request: &Request) -> Result<OpenStream, ApiError> {
        let caller = &request.caller;
        let own = caller.view.streams.and_then(|most| usize::try_from(most).ok());
        let most = own.unwrap_or(request.runtime.settings.tenant_streams);
        let place = self.limits.stream(&caller.tenant, most)?;
        Ok(OpenStream { _counted: self.metrics.open_stream(), _place: place })
    }

    /// How a model is called for this request.
    pub fn call(&self, request: &Request, resolution: &Resolution) -> Call {
        let seed = self.seeds.next();
        let traceparent = trace::traceparent(&request.headers, &seed);
        request.trail.note(|notes| {
            notes.model = Some(resolution.label.clone());
            notes.provider = Some(resolution.provider.clone());
            notes.trace_id = trace::trace_id(&traceparent);
        });
        let credential = resolution.credential.clone();
        Call { traceparent: Some(traceparent), credential, seed: short(&seed) }
    }

    /// A number that nobody can guess.
    pub fn seed(&self) -> u64 {
        short(&self.seeds.next())
    }
}

fn short(seed: &[u8; 32]) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&seed[24..]);
    u64::from_le_bytes(bytes)
}

/// A JSON reply.
pub fn json(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    let mut reply = http::Response::new(Body::Full(body.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

/// A JSON reply of a value, compact.
///
/// Errors: 500 if the value cannot be written as JSON.
pub fn json_of(value: &impl serde::Serialize) -> Result<Reply, ApiError> {
    let body = serde_json::to_vec(value).map_err(|_| ApiError::internal())?;
    Ok(json(StatusCode::OK, body))
}

/// An error as a reply, with its retry headers.
pub fn refusal(error: &ApiError) -> Reply {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut reply = json(status, error.body());
    let headers = reply.headers_mut();
    if let Some(after) = error.retry_after {
        let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(millis.div_ceil(1000)));
        headers.insert("retry-after-ms", HeaderValue::from(millis));
    }
    if let Some(should) = error.should_retry {
        let value = if should { "true" } else { "false" };
        headers.insert("x-should-retry", HeaderValue::from_static(value));
    }
    reply
}

/// A stream of server-sent events.
pub fn event_stream(chunks: BoxStream<'static, Bytes>) -> Reply {
    let mut reply = http::Response::new(Body::Stream(chunks));
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    reply
}
