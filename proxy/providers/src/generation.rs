//! One call of a model from the first attempt to the last event.

use agent::model::{ModelError, ModelEvent, ModelRequest, StopReason};
use protocol::responses::item::Item;
use tokio::time::Instant;

use crate::answer::Answer;
use crate::fault;
use crate::health::verdict;
use crate::targets::{Asking, Call, Course, Target, Targets};

type Told = Vec<Result<ModelEvent, ModelError>>;

pub(crate) struct Generation {
    targets: Targets,
    request: ModelRequest,
    /// The model as the caller named it.
    public_name: String,
    call: Call,
    phase: Phase,
}

enum Phase {
    Asking,
    Answering(Box<Answer>),
    Over,
}

impl Generation {
    pub(crate) fn new(targets: Targets, request: ModelRequest, call: Call) -> Self {
        let public_name = request.model.clone();
        Self { targets, request, public_name, call, phase: Phase::Asking }
    }

    /// The events of the next read; `None` after the last one.
    pub(crate) async fn next(&mut self) -> Option<Told> {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Over => None,
            Phase::Asking => Some(self.ask().await),
            Phase::Answering(answer) if answer.is_done() => {
                answer.close().await;
                None
            }
            Phase::Answering(mut answer) => {
                let mut events = Vec::new();
                let outcome = answer.read(&mut events).await;
                Some(self.tell(answer, events, outcome))
            }
        }
    }

    /// Asks one target after the other until one says something.
    async fn ask(&mut self) -> Told {
        let mut course = self.targets.course(&self.call);
        loop {
            let failed = match self.attempt(&mut course).await {
                Ok(told) => return told,
                Err(error) if fault::is_filter(&error) => return filtered(),
                Err(error) => error,
            };
            if let Err(error) = course.after(failed).await {
                return vec![Err(error)];
            }
        }
    }

    /// Errors: nothing was said, and another attempt may be made.
    async fn attempt(&mut self, course: &mut Course) -> Result<Told, ModelError> {
        let target = course.target()?.clone();
        self.address(&target, course.is_first());
        let (dialect, timeouts) = (target.upstream.dialect(), target.upstream.timeouts());
        let body = dialect.encode(&self.request).map_err(fault::unsupported)?;
        let first_until = Instant::now() + timeouts.first_byte;
        let asking = Asking {
            path: dialect.path(),
            body,
            content_type: None,
            patience: timeouts.first_byte,
            public_name: &self.public_name,
        };
        let response = course.post(&target, asking, &self.call).await?;
        let until = (first_until, course.total_until(&target));
        let mut answer =
            Box::new(Answer::new(response.into_body(), dialect.decoder(&self.request), timeouts, until));
        let mut events = Vec::new();
        while !answer.has_said() && !answer.is_done() {
            if let Err(error) = answer.read(&mut events).await {
                target.upstream.note(verdict(&error, self.call.credential.is_some()));
                return if answer.has_said() {
                    Ok(self.tell(answer, events, Err(error)))
                } else {
                    Err(error)
                };
            }
        }
        target.upstream.note(Some(Ok(())));
        Ok(self.tell(answer, events, Ok(())))
    }

    fn tell(
        &mut self,
        answer: Box<Answer>,
        events: Vec<ModelEvent>,
        outcome: Result<(), ModelError>,
    ) -> Told {
        let mut told: Told = events.into_iter().map(Ok).collect();
        match outcome {
            Ok(()) => self.phase = Phase::Answering(answer),
            Err(error) => told.push(Err(error)),
        }
        told
    }

    /// Names the target's model. What the first target sealed means nothing to another one.
    fn address(&mut self, target: &Target, is_first: bool) {
        self.request.model.clone_from(&target.model);
        if is_first || !self.request.items.iter().any(is_sealed) {
            return;
        }
        let mut items = self.request.items.as_ref().clone();
        for item in &mut items {
            if let Item::Reasoning(reasoning) = item {
                reasoning.encrypted_content = None;
            }
        }
        self.request.items = items.into();
    }
}

fn is_sealed(item: &Item) -> bool {
    matches!(item, Item::Reasoning(reasoning) if reasoning.encrypted_content.is_some())
}

fn filtered() -> Told {
    vec![Ok(ModelEvent::Start { model: None }), Ok(ModelEvent::Stop(StopReason::Filter))]
}
