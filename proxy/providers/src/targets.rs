//! The targets of a model: who is asked, in which order, and what happens when one fails.

use std::sync::Arc;
use std::time::Duration;

use agent::model::{ModelError, ModelEvent, ModelRequest};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http::{HeaderValue, Response};
use hyper::body::Incoming;
use tokio::time::{Instant, sleep_until};

use crate::fault;
use crate::generation::Generation;
use crate::order::{Attempts, Next, Rank};
use crate::relay::{self, RelayBody, Relayed};
use crate::retry::Retry;
use crate::settings::Credential;
use crate::upstream::{Post, Upstream};

/// A model at an upstream.
#[derive(Clone, Debug)]
pub struct Target {
    /// Who serves it.
    pub upstream: Arc<Upstream>,
    /// The model as the upstream names it.
    pub model: String,
    /// The lowest goes first.
    pub priority: u8,
    /// Share among targets of the same priority; one of weight 0 is asked last.
    pub weight: u16,
}

/// All targets of a model.
#[derive(Clone, Debug)]
pub struct Targets {
    targets: Arc<[Target]>,
    retry: Retry,
}

/// What belongs to one call and not to the model.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// Continues the trace upstream.
    pub traceparent: Option<String>,
    /// The caller's own: goes in the place of the provider's, to the first target alone.
    pub credential: Option<Credential>,
    /// Decides among weights and how long to pause: the same seed gives the same choice.
    pub seed: u64,
}

impl Targets {
    /// Targets in any order.
    pub fn new(targets: Vec<Target>, retry: Retry) -> Self {
        Self { targets: targets.into(), retry }
    }

    /// Calls the model; dropping the stream cancels the call.
    ///
    /// Shape: events as they come, all of one read of the upstream at once, then `Stop` or an error, always. The `model`
    /// of `request` is the public name: it stands in errors, and each target's own name goes upstream.
    pub fn stream(
        &self,
        request: ModelRequest,
        call: Call,
    ) -> BoxStream<'static, Result<ModelEvent, ModelError>> {
        let generation = Generation::new(self.clone(), request, call);
        stream::unfold(generation, |mut generation| async {
            let events = Box::pin(generation.next()).await?;
            Some((stream::iter(events), generation))
        })
        .flatten()
        .boxed()
    }

    /// Passes `body` to `path`, such as `/chat/completions`, and the answer's bytes back as they come.
    ///
    /// Retries and fails over like [`Targets::stream`] until a target answers with 2xx. The deadline of silence applies
    /// to the bytes of the answer too.
    ///
    /// Errors: no target answered with 2xx; what the client shall see is in the error.
    pub async fn relay(
        &self,
        path: &'static str,
        body: RelayBody,
        call: Call,
    ) -> Result<Relayed, ModelError> {
        let mut course = self.course(&call);
        loop {
            let target = course.target()?.clone();
            let request = Asking {
                path,
                body: body.with_model(&target.model),
                content_type: None,
                patience: target.upstream.timeouts().first_byte,
                public_name: body.model(),
            };
            match course.post(&target, request, &call).await {
                Ok(response) => {
                    target.upstream.note(Some(Ok(())));
                    return Ok(relay::relayed(response, &target, course.total_until(&target)));
                }
                Err(error) => course.after(error).await?,
            }
        }
    }

    /// True if every target takes Chat Completions as clients send them.
    pub fn relays_chat(&self) -> bool {
        self.targets.iter().all(|target| target.upstream.relays_chat())
    }

    /// True if all targets of both are at one upstream.
    pub fn shares_upstream(&self, other: &Self) -> bool {
        let mut all = self.targets.iter().chain(other.targets.iter());
        all.next().is_some_and(|first| all.all(|target| Arc::ptr_eq(&first.upstream, &target.upstream)))
    }

    /// The names by which upstreams know the model.
    pub fn upstream_names(&self) -> impl Iterator<Item = &str> {
        self.targets.iter().map(|target| target.model.as_str())
    }

    /// True if every target takes tokens in the place of texts.
    pub fn takes_tokens(&self) -> bool {
        self.targets.iter().all(|target| target.upstream.settings().profile.openai_names)
    }

    pub(crate) fn course(&self, call: &Call) -> Course {
        let (began, pinned) = (Instant::now(), call.credential.is_some());
        let rank = |target: &Target| {
            let Target { priority, weight, .. } = *target;
            Rank { priority, weight, resting: !pinned && target.upstream.is_resting(began) }
        };
        let ranks: Vec<Rank> = self.targets.iter().map(rank).collect();
        let attempts = Attempts::new(&ranks, self.retry, call.seed, pinned);
        Course { targets: Arc::clone(&self.targets), attempts, asked: Vec::new(), began }
    }
}

/// What is sent to a target.
pub(crate) struct Asking<'a> {
    pub(crate) path: &'static str,
    pub(crate) body: Bytes,
    /// `None` is JSON.
    pub(crate) content_type: Option<HeaderValue>,
    /// How long the head of the answer may take.
    pub(crate) patience: Duration,
    pub(crate) public_name: &'a str,
}

/// The way of one call over its targets.
pub(crate) struct Course {
    targets: Arc<[Target]>,
    attempts: Attempts,
    /// Upstreams that were asked before: to ask them again takes a token.
    asked: Vec<Arc<Upstream>>,
    began: Instant,
}

impl Course {
    /// The target to ask.
    pub(crate) fn target(&self) -> Result<&Target, ModelError> {
        self.attempts.current().and_then(|place| self.targets.get(place)).ok_or_else(fault::connect)
    }

    /// True for the target that was asked first: what another provider sealed means nothing to others.
    pub(crate) fn is_first(&self) -> bool {
        self.attempts.is_first()
    }

    pub(crate) fn total_until(&self, target: &Target) -> Instant {
        self.began + target.upstream.timeouts().total
    }

    /// Sends one request.
    pub(crate) async fn post(
        &mut self,
        target: &Target,
        asking: Asking<'_>,
        call: &Call,
    ) -> Result<Response<Incoming>, ModelError> {
        if !self.asked.iter().any(|asked| Arc::ptr_eq(asked, &target.upstream)) {
            target.upstream.admit(false);
            self.asked.push(Arc::clone(&target.upstream));
        }
        let Asking { path, body, content_type, patience, public_name: model } = asking;
        let until = (Instant::now() + patience).min(self.total_until(target));
        target.upstream.post(Post { path, body, content_type, call, model, until }).await
    }

    /// Waits for the next attempt.
    ///
    /// Errors: there is none; the error is that of the last attempt.
    pub(crate) async fn after(&mut self, error: ModelError) -> Result<(), ModelError> {
        let next = self.attempts.fail(&error);
        let until = match next {
            Next::Nobody => return Err(error),
            Next::Other => Instant::now(),
            Next::Again(pause) => Instant::now() + pause,
        };
        let target = self.target().map_err(|_| error.clone())?;
        let is_repeated = self.asked.iter().any(|asked| Arc::ptr_eq(asked, &target.upstream));
        if until >= self.total_until(target) || (is_repeated && !target.upstream.admit(true)) {
            return Err(error);
        }
        tracing::warn!(upstream = target.upstream.name(), cause = ?error.cause, "Model call goes on with another attempt");
        if until > Instant::now() {
            sleep_until(until).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
