//! One model endpoint: its dialect, its client, its credential and its budget of retries.

use std::sync::Arc;
use std::time::Duration;

use agent::model::{Failure, ModelError};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use parking_lot::Mutex;
use protocol::error::{ApiError, SERVER_ERROR};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::budget::Budget;
use crate::chat::ChatCompletions;
use crate::dialect::Dialect;
use crate::fault::{self, Asked, Remote, wait};
use crate::health::{self, State, Trouble};
use crate::images::{EDITS, GENERATIONS};
use crate::responses::Responses;
use crate::settings::{Api, Settings, Timeouts};
use crate::targets::Call;
use crate::transport::{Transport, piece};

/// Everything that is asked of an upstream.
const PATHS: [&str; 5] = ["/chat/completions", "/responses", "/embeddings", GENERATIONS, EDITS];
const USER_AGENT: &str = concat!("fairlead/", env!("CARGO_PKG_VERSION"));
/// The most that is read of an error.
const ERROR_BYTES: usize = 64 * 1024;
/// How long an error may take to arrive after its head.
const ERROR_WAIT: Duration = Duration::from_secs(5);

/// One model endpoint.
#[derive(Debug)]
pub struct Upstream {
    settings: Settings,
    client: Arc<dyn Transport>,
    dialect: Box<dyn Dialect>,
    /// The paths that are asked for, each with its URL: to parse one costs more than to send it.
    urls: [(&'static str, Option<Uri>); 5],
    headers: HeaderMap,
    budget: Mutex<Budget>,
    since: Instant,
    /// Until when it asked to be left alone.
    resting: Mutex<Option<Instant>>,
    health: Mutex<health::Pulse>,
}

/// One request on its way.
#[derive(Clone, Debug)]
pub(crate) struct Post<'a> {
    pub(crate) path: &'a str,
    pub(crate) body: Bytes,
    /// `None` is JSON.
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) call: &'a Call,
    /// The model as the caller named it.
    pub(crate) model: &'a str,
    /// When the head of the answer must be there.
    pub(crate) until: Instant,
}

impl Upstream {
    /// Sends by `client`.
    pub fn new(settings: Settings, client: Arc<dyn Transport>) -> Self {
        let dialect: Box<dyn Dialect> = match settings.api {
            Api::ChatCompletions => Box::new(ChatCompletions::new(settings.profile)),
            Api::Responses => Box::new(Responses),
        };
        let urls = PATHS.map(|path| (path, url(&settings.base_url, path)));
        let headers = headers(&settings);
        let budget = Mutex::new(Budget::new(settings.retry_budget_percent));
        Self {
            settings,
            client,
            dialect,
            urls,
            headers,
            budget,
            since: Instant::now(),
            resting: Mutex::new(None),
            health: Mutex::default(),
        }
    }

    /// The provider's name.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// What it was made of.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// True if it takes Chat Completions, by which it need not generate: OpenAI has both APIs.
    pub(crate) fn relays_chat(&self) -> bool {
        self.settings.api == Api::ChatCompletions || self.settings.profile.openai_names
    }

    pub(crate) fn dialect(&self) -> &dyn Dialect {
        self.dialect.as_ref()
    }

    pub(crate) fn timeouts(&self) -> Timeouts {
        self.settings.timeouts
    }

    /// Counts a request; a repeated one needs a token.
    pub(crate) fn admit(&self, is_retry: bool) -> bool {
        let second = self.since.elapsed().as_secs();
        let mut budget = self.budget.lock();
        if is_retry {
            return budget.retry(second);
        }
        budget.request(second);
        true
    }

    /// True while it asks to be left alone.
    pub(crate) fn is_resting(&self, now: Instant) -> bool {
        self.resting.lock().is_some_and(|until| now < until)
    }

    /// What the calls of clients have shown of it.
    pub fn health(&self) -> State {
        self.health.lock().state()
    }

    /// Takes down what became of a call; `None` says nothing of the upstream.
    pub(crate) fn note(&self, result: Option<Result<(), Trouble>>) {
        if let Some(result) = result {
            self.health.lock().note(result, self.since.elapsed());
        }
    }

    /// Sends a request and returns an answer of 2xx. What that answer is worth, the caller notes; what fails is noted.
    ///
    /// Errors: no connection, no answer in time, or any other status.
    pub(crate) async fn post(&self, post: Post<'_>) -> Result<Response<Incoming>, ModelError> {
        let url = self.urls.iter().find(|(path, _)| *path == post.path).and_then(|(_, url)| url.clone());
        let url = url.ok_or_else(invalid_address)?;
        let mut request = Request::new(Full::new(post.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url;
        *request.headers_mut() = self.headers_of(post.call);
        if let Some(content_type) = &post.content_type {
            request.headers_mut().insert(header::CONTENT_TYPE, content_type.clone());
        }
        let response = match timeout_at(post.until, self.client.send(request)).await {
            Err(_) => {
                self.note(Some(Err(Trouble::Unreachable)));
                return Err(fault::timeout());
            }
            Ok(Err(error)) => {
                self.note(Some(Err(health::unconnected(&error))));
                return Err(sending(&error, self.name()));
            }
            Ok(Ok(response)) => response,
        };
        if response.status().is_success() {
            return Ok(response);
        }
        let error = self.refusal(response, &post).await;
        self.note(health::verdict(&error, post.call.credential.is_some()));
        if let Some(wait) = error.error.retry_after.filter(|_| post.call.credential.is_none()) {
            *self.resting.lock() = Instant::now().checked_add(wait);
        }
        Err(error)
    }

    fn headers_of(&self, call: &Call) -> HeaderMap {
        let mut headers = self.headers.clone();
        if let Some(credential) = call.credential.as_ref().or(self.settings.credential.as_ref()) {
            headers.insert(credential.header().clone(), credential.value().clone());
        }
        if let Some(traceparent) =
            call.traceparent.as_deref().and_then(|text| HeaderValue::from_str(text).ok())
        {
            headers.insert(HeaderName::from_static("traceparent"), traceparent);
        }
        headers
    }

    async fn refusal(&self, mut response: Response<Incoming>, post: &Post<'_>) -> ModelError {
        let status = response.status().as_u16();
        let until = post.until.min(Instant::now() + ERROR_WAIT);
        let mut body = Vec::new();
        while let Ok(Ok(Some(read))) = timeout_at(until, piece(response.body_mut())).await {
            let room = ERROR_BYTES.saturating_sub(body.len());
            body.extend_from_slice(read.get(..room.min(read.len())).unwrap_or_default());
            if body.len() >= ERROR_BYTES {
                break;
            }
        }
        let remote = Remote::of(&body);
        let asked_to_wait = wait::of_headers(response.headers());
        let asked_to_wait = asked_to_wait.or_else(|| remote.delay.as_deref().and_then(wait::span));
        let credential = post.call.credential.as_ref().or(self.settings.credential.as_ref());
        let secret = credential.and_then(|credential| credential.value().to_str().ok());
        let asked = Asked { model: post.model, by_caller: post.call.credential.is_some(), secret };
        tracing::debug!(
            upstream = self.name(),
            status,
            code = remote.code.as_deref(),
            "Upstream refused a request"
        );
        fault::of_status(status, &remote, asked_to_wait, asked)
    }
}

fn headers(settings: &Settings) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([(header::USER_AGENT, HeaderValue::from_static(USER_AGENT))]);
    for (name, value) in &settings.headers {
        headers.insert(name.clone(), value.clone());
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers
}

/// A query of the base URL, such as `?api-version=preview`, goes behind the path.
fn url(base_url: &str, path: &str) -> Option<Uri> {
    let (base, query) = base_url.split_at(base_url.find('?').unwrap_or(base_url.len()));
    Url::parse(&format!("{}{path}{query}", base.trim_end_matches('/'))).ok()?.as_str().parse().ok()
}

fn invalid_address() -> ModelError {
    let message = "The address of the model server is not valid.";
    ModelError { error: ApiError::new(502, SERVER_ERROR, message), cause: Failure::Connect }
}

fn sending(error: &legacy::Error, upstream: &str) -> ModelError {
    tracing::debug!(upstream, is_connect = error.is_connect(), "Upstream is out of reach");
    fault::connect()
}
