//! Image models as the tool `image_generation` reaches them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use agent::image::{ImageEvent, ImageRequest, ImageSource, Picture};
use agent::model::{Failure, ModelError};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use protocol::destination::{Destination, Reach};
use protocol::error::{ApiError, SERVER_ERROR};
use protocol::id::Tenant;
use providers::Call;
use tokio::time::timeout;
use tools::image_generation::{Studio, Studios};

use crate::app::{App, Request};
use crate::auth::Caller;
use crate::error::from_store;
use crate::live::build::Runtime;
use crate::live::builtins::ImageModel;
use crate::live::resolve::Resolution;

/// The largest image that is fetched, and how long that may take.
const IMAGE_BYTES: usize = 20 << 20;
const FETCH: Duration = Duration::from_secs(60);

/// The image models of a request.
pub struct Painters {
    runtime: Arc<Runtime>,
    caller: Caller,
    /// The model that answers: its provider may take the caller's key.
    answers: Resolution,
    store: Arc<dyn store::Responses>,
    now: i64,
    call: Call,
}

/// One image model.
struct Painter {
    model: ImageModel,
    runtime: Arc<Runtime>,
    store: Arc<dyn store::Responses>,
    tenant: Tenant,
    now: i64,
    call: Call,
    /// Each call has a seed of its own.
    calls: AtomicU64,
}

/// Fetches images that a model left somewhere.
#[derive(Clone)]
struct Fetch {
    client: reqwest::Client,
    reach: Reach,
}

impl Painters {
    pub fn new(app: &App, request: &Request, answers: &Resolution) -> Self {
        Self {
            runtime: Arc::clone(&request.runtime),
            caller: request.caller.clone(),
            answers: answers.clone(),
            store: Arc::clone(&app.store.responses),
            now: app.clock.now(),
            call: app.call(request, answers),
        }
    }
}

impl Studios for Painters {
    fn studio(&self, model: Option<&str>, param: &str) -> Result<Arc<dyn Studio>, ApiError> {
        let param = format!("{param}.{}", if model.is_some() { "model" } else { "type" });
        let found = self.runtime.image_model(model, (&self.answers, &self.caller.view), &param)?;
        Ok(Arc::new(Painter {
            call: Call { credential: found.credential.clone(), ..self.call.clone() },
            model: found,
            runtime: Arc::clone(&self.runtime),
            store: Arc::clone(&self.store),
            tenant: self.caller.tenant.clone(),
            now: self.now,
            calls: AtomicU64::new(0),
        }))
    }
}

#[async_trait]
impl Studio for Painter {
    fn paint(&self, request: ImageRequest) -> BoxStream<'static, Result<ImageEvent, ModelError>> {
        let model = &self.model.model;
        let request = ImageRequest { model: model.name.clone(), ..request };
        let count = self.calls.fetch_add(1, Ordering::Relaxed);
        let call = Call { seed: self.call.seed.wrapping_add(count), ..self.call.clone() };
        let fetch = self.fetch();
        let events = model.targets.paint(request, call);
        events.then(move |event| settled(event, fetch.clone())).boxed()
    }

    async fn kept(&self, item_id: &str) -> Result<Option<String>, ModelError> {
        let found = self.store.image(&self.tenant, item_id, self.now).await;
        found.map_err(|error| ModelError { error: from_store(&error), cause: Failure::Tools })
    }
}

impl Painter {
    /// What the provider refers to may lie where the provider may.
    fn fetch(&self) -> Option<Fetch> {
        let (private, loopback) = (self.model.private, self.runtime.opens_loopback());
        let reach = Reach { http: private || loopback, private, loopback };
        self.runtime.caller_client(reach).ok().map(|client| Fetch { client, reach })
    }
}

/// The event with every image in it.
async fn settled(
    event: Result<ImageEvent, ModelError>,
    fetch: Option<Fetch>,
) -> Result<ImageEvent, ModelError> {
    let mut images = match event? {
        ImageEvent::Done(images) => images,
        partial @ ImageEvent::Partial(_) => return Ok(partial),
    };
    for made in &mut images.images {
        if let ImageSource::Url(url) = &made.source {
            let fetch = fetch.as_ref().ok_or_else(|| unfetched("no client"))?;
            made.source = ImageSource::Base64(fetch.get(url).await?);
        }
    }
    Ok(ImageEvent::Done(images))
}

impl Fetch {
    /// An image in Base64. No credential goes along, and no redirect is followed.
    async fn get(&self, url: &str) -> Result<String, ModelError> {
        let checked = Destination::parse(url, self.reach).map_err(|denied| {
            tracing::warn!(target: "audit", reason = %denied, "The address of an image was refused");
            unfetched("denied")
        })?;
        match timeout(FETCH, self.read(&checked)).await {
            Ok(Ok(picture)) => Ok(STANDARD.encode(&picture.bytes)),
            Ok(Err(why)) => Err(unfetched(why)),
            Err(_) => Err(unfetched("timeout")),
        }
    }

    async fn read(&self, url: &Destination) -> Result<Picture, &'static str> {
        let mut answer = self.client.get(url.url().clone()).send().await.map_err(|_| "unreachable")?;
        if !answer.status().is_success() {
            return Err("status");
        }
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|_| "broken")? {
            if bytes.len() + piece.len() > IMAGE_BYTES {
                return Err("too large");
            }
            bytes.extend_from_slice(&piece);
        }
        Picture::of(bytes.into()).ok_or("no image")
    }
}

fn unfetched(why: &'static str) -> ModelError {
    tracing::warn!(why, "An image cannot be fetched from where its model put it");
    let message = "The image cannot be fetched from where the image model put it.";
    ModelError { error: ApiError::new(502, SERVER_ERROR, message), cause: Failure::Malformed }
}
