//! Calls of image models: `POST /images/generations` and `/images/edits`.

mod decode;
mod encode;
mod multipart;
mod reading;
#[cfg(test)]
mod tests;

use std::time::Duration;

use agent::image::{ImageEvent, ImageRequest};
use agent::model::ModelError;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use crate::health::verdict;
use crate::images::reading::Reading;
use crate::targets::{Asking, Call, Course, Targets};

pub(crate) const GENERATIONS: &str = "/images/generations";
pub(crate) const EDITS: &str = "/images/edits";

/// How long an image may take at least: the head of an answer that is no stream comes when all is done.
const PATIENCE: Duration = Duration::from_secs(300);

type Told = Vec<Result<ImageEvent, ModelError>>;

impl Targets {
    /// Calls an image model; dropping the stream cancels the call.
    ///
    /// Shape: unfinished images where they were asked for, then `Done` or an error, always. Retries and fails over like
    /// [`Targets::stream`], before the first event only.
    pub fn paint(
        &self,
        request: ImageRequest,
        call: Call,
    ) -> BoxStream<'static, Result<ImageEvent, ModelError>> {
        let painting = Painting { targets: self.clone(), request, call, phase: Phase::Asking };
        stream::unfold(painting, |mut painting| async {
            let events = Box::pin(painting.next()).await?;
            Some((stream::iter(events), painting))
        })
        .flatten()
        .boxed()
    }
}

/// One call from the first attempt to the last event.
struct Painting {
    targets: Targets,
    request: ImageRequest,
    call: Call,
    phase: Phase,
}

enum Phase {
    Asking,
    Reading(Box<Reading>),
    Over,
}

impl Painting {
    /// The events of the next read; `None` after the last one.
    async fn next(&mut self) -> Option<Told> {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Over => None,
            Phase::Asking => Some(self.ask().await),
            Phase::Reading(mut reading) => {
                let event = reading.next().await;
                Some(self.tell(reading, event))
            }
        }
    }

    async fn ask(&mut self) -> Told {
        let mut course = self.targets.course(&self.call);
        loop {
            let failed = match self.attempt(&mut course).await {
                Ok((reading, event)) => return self.tell(reading, Ok(event)),
                Err(error) => error,
            };
            if let Err(error) = course.after(failed).await {
                return vec![Err(error)];
            }
        }
    }

    /// Errors: nothing was told, and another attempt may be made.
    async fn attempt(&self, course: &mut Course) -> Result<(Box<Reading>, ImageEvent), ModelError> {
        let target = course.target()?.clone();
        let knows_openai = target.upstream.settings().profile.openai_names;
        let boundary = format!("fairlead-{:016x}", self.call.seed);
        let encode::Encoded { path, content_type, body } =
            encode::encode(&self.request, (&target.model, knows_openai), &boundary);
        let patience = target.upstream.timeouts().first_byte.max(PATIENCE);
        let asking = Asking { path, body, content_type, patience, public_name: &self.request.model };
        let response = course.post(&target, asking, &self.call).await?;
        let mut reading = Box::new(Reading::new(
            response.into_body(),
            target.upstream.timeouts(),
            course.total_until(&target),
        ));
        let event = reading.next().await;
        match &event {
            Ok(_) => target.upstream.note(Some(Ok(()))),
            Err(error) => target.upstream.note(verdict(error, self.call.credential.is_some())),
        }
        Ok((reading, event?))
    }

    fn tell(&mut self, reading: Box<Reading>, event: Result<ImageEvent, ModelError>) -> Told {
        if matches!(event, Ok(ImageEvent::Partial(_))) {
            self.phase = Phase::Reading(reading);
        }
        vec![event.map(|event| bounded(event, self.request.settings.count))]
    }
}

/// Some models make more images than they are asked for; what was not asked for is neither fetched nor shown.
fn bounded(event: ImageEvent, count: u32) -> ImageEvent {
    match event {
        ImageEvent::Done(mut images) => {
            images.images.truncate(usize::try_from(count.max(1)).unwrap_or(usize::MAX));
            ImageEvent::Done(images)
        }
        partial @ ImageEvent::Partial(_) => partial,
    }
}
