//! Performs the effects of a run and feeds back what happened. The only asynchronous code of the agent loop.

use std::sync::Arc;
use std::time::Duration;

use agent::finished::Finished;
use agent::model::{ModelError, ModelEvent};
use agent::run::{Effect, Input, Run};
use agent::tool::{ListOutcome, ServerTool, ToolCall};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use protocol::responses::event::{Event, EventBody};
use providers::{Call, Targets};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tools::toolbox::Toolbox;

use crate::error::shutting_down;
use crate::runs::sink::Sink;
use crate::runs::standing::Standing;
use crate::runs::tasks::Tasks;
use crate::telemetry::Metrics;
use crate::telemetry::access::Trail;

/// A comment goes to a client that has heard nothing for so long.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A numbered event goes to a client that has seen none for so long: some reset their timers only on events.
const QUIET: Duration = Duration::from_secs(20);

/// What a run works with.
pub struct Work {
    pub standing: Standing,
    pub toolbox: Toolbox,
    pub targets: Arc<Targets>,
    pub call: Call,
    /// The configured name of the model, for metrics.
    pub label: String,
    pub metrics: Arc<Metrics>,
    pub trail: Trail,
    /// The wall clock of the run.
    pub wall_clock: Duration,
    /// Cancelled when the process must end.
    pub shutdown: CancellationToken,
}

/// A run at its end.
pub struct Over {
    pub finished: Finished,
    /// The `error` event: clients act on it at once, so the response is stored before it is sent.
    pub failure: Option<Event>,
}

type Generation = BoxStream<'static, Result<ModelEvent, ModelError>>;

/// Drives a run to its end. Dropping the future cancels the generation and every running tool.
///
/// The caller stores the response and sends the last events afterwards.
pub async fn drive(mut run: Run<Toolbox>, work: &Work, sink: &mut impl Sink) -> Over {
    let mut generation: Generation = stream::pending().boxed();
    let mut tasks = Tasks::new();
    let mut meter = Meter::new(work);
    let mut heard = Instant::now();
    let mut failure = None;
    let mut quiet = tokio::time::interval_at(heard + KEEP_ALIVE, KEEP_ALIVE);
    quiet.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let expiry = tokio::time::sleep(work.wall_clock);
    tokio::pin!(expiry);
    loop {
        while let Some(effect) = run.poll() {
            match effect {
                Effect::Emit(event) if matches!(event.body, EventBody::Error(_)) => failure = Some(event),
                Effect::Emit(event) => {
                    sink.send(event).await;
                    heard = Instant::now();
                }
                Effect::CallModel(request) => match work.standing.check().await {
                    Ok(()) => {
                        meter.begin();
                        generation = work.targets.stream(*request, work.call.clone()).fuse().boxed();
                    }
                    Err(error) => run.handle(Input::Failed(error)),
                },
                Effect::ListTools(server_label) => list(work, &mut tasks, server_label),
                Effect::CallTool { tool, call } => match work.standing.check().await {
                    Ok(()) => start(work, &mut tasks, (tool, call)),
                    Err(error) => run.handle(Input::Failed(error)),
                },
                Effect::Abort => {
                    generation = stream::pending().boxed();
                    tasks.clear();
                }
                Effect::Finish(finished) => {
                    meter.end(&finished);
                    return Over { finished: *finished, failure };
                }
            }
        }
        let input = tokio::select! {
            biased; // a cancelled run must not go on because the model is fast
            () = work.shutdown.cancelled() => Input::Failed(shutting_down()),
            Some(event) = generation.next() => meter.observe(event),
            input = tasks.next(), if !tasks.is_idle() => input,
            _ = quiet.tick() => {
                sink.keep_alive();
                if heard.elapsed() < QUIET { continue }
                Input::Quiet
            }
            () = &mut expiry => Input::Expired,
        };
        run.handle(input);
    }
}

fn list(work: &Work, tasks: &mut Tasks, server_label: String) {
    match work.standing.lost_server(&server_label) {
        None => tasks.list(&work.toolbox, server_label),
        Some(error) => tasks.tell(Input::Listed { server_label, outcome: ListOutcome::Failed(error) }),
    }
}

fn start(work: &Work, tasks: &mut Tasks, (tool, call): (ServerTool, ToolCall)) {
    match work.standing.lost(&tool) {
        None => tasks.call(&work.toolbox, &work.metrics, (tool, call)),
        Some(outcome) => tasks.tell(Input::ToolDone { call: call.id, outcome }),
    }
}

/// Times the calls of the model.
struct Meter<'a> {
    work: &'a Work,
    began: Instant,
    generation: Instant,
    waiting: bool,
    rounds: u32,
}

impl<'a> Meter<'a> {
    fn new(work: &'a Work) -> Self {
        let now = Instant::now();
        Self { work, began: now, generation: now, waiting: false, rounds: 0 }
    }

    fn begin(&mut self) {
        self.generation = Instant::now();
        self.waiting = true;
        self.rounds += 1;
    }

    fn observe(&mut self, event: Result<ModelEvent, ModelError>) -> Input {
        if self.waiting {
            self.waiting = false;
            self.work.metrics.first_chunk(&self.work.label, self.generation.elapsed());
            if self.rounds == 1 {
                let ttft_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
                self.work.trail.note(|notes| notes.ttft_ms = Some(ttft_ms));
            }
        }
        match event {
            Ok(event) => {
                if matches!(event, ModelEvent::Stop(_)) {
                    self.work.metrics.inference(&self.work.label, self.generation.elapsed(), "");
                }
                Input::Model(event)
            }
            Err(error) => {
                let word = crate::error::failure_word(error.cause);
                self.work.metrics.inference(&self.work.label, self.generation.elapsed(), word);
                Input::ModelFailed(error)
            }
        }
    }

    fn end(&self, finished: &Finished) {
        let rounds = self.rounds;
        self.work.trail.note(|notes| {
            notes.rounds = Some(rounds);
            notes.finish = Some(finished.response.status.as_str());
        });
        if let Some(usage) = &finished.response.usage {
            self.work.trail.usage(usage);
            self.work.metrics.usage(&self.work.label, usage);
        }
    }
}
