//! A turn: what it is made of, what happens to it, and what it does.

use std::sync::Arc;

use protocol::error::{ApiError, SERVER_ERROR};
use protocol::responses::event::{Event, EventBody, Lifecycle};
use protocol::responses::item::{Item, ItemStatus};
use protocol::responses::response::{IncompleteDetails, Response, Status};
use protocol::responses::usage::Usage;

use crate::calls::{Begun, Calls, SPENT};
use crate::choice::Choice;
use crate::context;
use crate::emit::Emitter;
use crate::finished::{self, Finished};
use crate::ids::Ids;
use crate::limits::Limits;
use crate::model::{Failure, ModelChoice, ModelError, ModelEvent, ModelRequest, ModelTool, StopReason};
use crate::speech::Speech;
use crate::stance::{Stance, Verdict};
use crate::tool::{CallId, Decision, Ownership, Progress, ServerTool, ToolCall, ToolOutcome};

/// A checked request with everything looked up.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// The echo: `in_progress`, with its id and without output.
    pub response: Response,
    /// Stored items before this turn, oldest first.
    pub history: Vec<Item>,
    /// This turn's own input, with ids.
    pub input: Vec<Item>,
    /// What every generation has in common. The run sets `items`, `tool_choice` and what is left of
    /// `sampling.max_output_tokens`, which here is the budget of the whole response.
    pub request: ModelRequest,
    /// Which tools may or must be called.
    pub tool_choice: Choice,
    /// Server-run calls of this response.
    pub max_tool_calls: Option<u64>,
    /// Whether the echo keeps its model even if the upstream names another one.
    pub keeps_model_name: bool,
}

/// What happened outside the run.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The model said something.
    Model(ModelEvent),
    /// The model failed for good; retries are over.
    ModelFailed(ModelError),
    /// A server-run call returned.
    ToolDone {
        /// The call.
        call: CallId,
        /// What it returned.
        outcome: ToolOutcome,
    },
    /// A server-run call went a step further.
    Progress {
        /// The call.
        call: CallId,
        /// The step.
        progress: Progress,
    },
    /// Nothing was sent for long.
    Quiet,
    /// The time of the run is over.
    Expired,
    /// Somebody ended the run.
    Cancelled,
}

/// What the driver does next, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Sends an event.
    Emit(Event),
    /// Starts a generation.
    CallModel(Box<ModelRequest>),
    /// Starts a server-run call.
    CallTool(ToolCall),
    /// Drops the generation and all running calls.
    Abort,
    /// Ends the run; nothing follows.
    Finish(Box<Finished>),
}

/// The reason of every ceiling of the server.
const MAX_MESSAGES: &str = "max_messages";
const MAX_OUTPUT_TOKENS: &str = "max_output_tokens";

/// One turn as a state machine.
pub struct Run<O> {
    ownership: O,
    limits: Limits,
    response: Response,
    keeps_model_name: bool,
    request: ModelRequest,
    stance: Stance,
    has_server_tools: bool,
    out: Emitter,
    speech: Speech,
    calls: Calls,
    phase: Phase,
    generations: u32,
    /// Of the generation that runs.
    spending: Usage,
    /// Of all before, and of tools.
    spent: Usage,
    /// What generations have left of the response's output tokens.
    allowance: Option<u64>,
}

/// Whose move it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Generating,
    /// The model has stopped, for a reason that ends the turn if it is one.
    Calling(Option<&'static str>),
    Finished,
}

/// How a run ends.
enum Outcome {
    Completed,
    Incomplete { reason: &'static str, limit: Option<&'static str> },
    Failed(ModelError),
    Cancelled,
}

impl<O: Ownership> Run<O> {
    /// Starts a run; its first effects are ready to be polled.
    pub fn new(turn: Turn, ownership: O, limits: Limits, ids: Ids) -> Self {
        let Turn { response, history, input, mut request, tool_choice, max_tool_calls, .. } = turn;
        let parallel = request.parallel_tool_calls != Some(false);
        request.tool_choice = ModelChoice::Auto;
        request.items = Arc::new(context::render(history, input));
        let mut run = Self {
            ownership,
            limits,
            response,
            keeps_model_name: turn.keeps_model_name,
            allowance: request.sampling.max_output_tokens,
            request,
            stance: Stance::new(tool_choice),
            has_server_tools: true,
            out: Emitter::new(ids),
            speech: Speech::default(),
            calls: Calls::new(limits, max_tool_calls, parallel),
            phase: Phase::Generating,
            generations: 0,
            spending: Usage::default(),
            spent: Usage::default(),
        };
        run.announce(Lifecycle::Created);
        run.announce(Lifecycle::InProgress);
        run.generate();
        run
    }

    /// Advances the run; [`Run::poll`] is called until it returns `None` afterwards.
    ///
    /// Late inputs (a finished run, an unknown call) change nothing.
    pub fn handle(&mut self, input: Input) {
        match (self.phase, input) {
            (Phase::Finished, _) | (Phase::Calling(_), Input::Model(_) | Input::ModelFailed(_)) => {}
            (Phase::Generating, Input::Model(event)) => self.on_model(event),
            (Phase::Generating, Input::ModelFailed(error)) => self.on_failure(error),
            (_, Input::ToolDone { call, outcome }) => self.on_tool(&call, outcome),
            (_, Input::Progress { call, progress }) => self.calls.step(&mut self.out, &call, progress),
            (_, Input::Quiet) => self.announce(Lifecycle::InProgress),
            (_, Input::Expired) => {
                self.abort();
                self.finish(Outcome::Incomplete { reason: MAX_MESSAGES, limit: Some("foreground") });
            }
            (_, Input::Cancelled) => {
                self.out.push(Effect::Abort);
                self.finish(Outcome::Cancelled);
            }
        }
    }

    /// The next thing to do, or `None` if the run waits for an input.
    pub fn poll(&mut self) -> Option<Effect> {
        self.out.poll()
    }

    fn on_model(&mut self, event: ModelEvent) {
        let (out, speech) = (&mut self.out, &mut self.speech);
        match event {
            ModelEvent::TextDelta { text, logprobs } => speech.text(out, text, logprobs),
            ModelEvent::ReasoningDelta { index, text } => speech.reasoning(out, index, text),
            ModelEvent::SummaryDelta { index, part, text } => speech.summary(out, (index, part), text),
            ModelEvent::ReasoningSealed { index, encrypted } => speech.sealed(out, index, encrypted),
            ModelEvent::RefusalDelta { text } => speech.refusal(out, text),
            ModelEvent::Annotation { annotation } => speech.annotation(out, annotation),
            ModelEvent::ToolStart { index, name } => self.on_call(index, name),
            ModelEvent::ToolArguments { index, fragment } => self.calls.write(out, index, fragment),
            ModelEvent::ToolEnd { index } => {
                self.calls.end(out, index);
                self.calls.launch(out, false);
            }
            ModelEvent::Usage(usage) => self.spending = usage,
            ModelEvent::Start { model: Some(model) } if !self.keeps_model_name => self.response.model = model,
            ModelEvent::Start { .. } => {}
            ModelEvent::Stop(reason) => self.on_stop(&reason),
        }
    }

    fn on_call(&mut self, index: u32, name: String) {
        self.speech.pause(&mut self.out);
        let decision = self.ownership.decide(&name);
        let begun = match self.objection(&name, &decision) {
            Some(why) => Begun { index, name, decision: Decision::Denied(why), outside: true },
            None => Begun { index, name, decision, outside: false },
        };
        self.calls.begin(&mut self.out, begun);
    }

    /// Why the turn does not allow a call, if it does not.
    fn objection(&self, name: &str, decision: &Decision) -> Option<String> {
        if !self.stance.permits(name) {
            return Some(format!("Not executed: the tool {name} must not be used here."));
        }
        (!self.has_server_tools && counts(decision)).then(|| SPENT.to_owned())
    }

    fn on_stop(&mut self, reason: &StopReason) {
        self.account();
        let cut = match reason {
            StopReason::Length => Some(MAX_OUTPUT_TOKENS),
            StopReason::Filter => Some("content_filter"),
            StopReason::Stop | StopReason::Tool | StopReason::Other(_) => None,
        };
        let status = if cut.is_some() { ItemStatus::Incomplete } else { ItemStatus::Completed };
        if cut.is_some() || !self.calls.is_any() {
            self.speech.flush(&mut self.out);
        }
        self.speech.close(&mut self.out, status);
        match cut {
            Some(_) => self.calls.cut(&mut self.out),
            None => self.calls.end_all(&mut self.out),
        }
        self.phase = Phase::Calling(cut);
        self.calls.launch(&mut self.out, true);
        self.advance();
    }

    fn on_tool(&mut self, call: &str, outcome: ToolOutcome) {
        let usage = outcome.usage;
        if self.calls.done(&mut self.out, call, outcome) {
            self.spent += usage;
            self.calls.launch(&mut self.out, self.phase != Phase::Generating);
            self.advance();
        }
    }

    /// Decides what follows a generation once every call has returned.
    fn advance(&mut self) {
        let Phase::Calling(cut) = self.phase else { return };
        if self.calls.is_pending() {
            return;
        }
        if let Some(reason) = cut {
            return self.finish(Outcome::Incomplete { reason, limit: None });
        }
        if self.calls.is_handed() {
            return self.finish(Outcome::Completed);
        }
        if let Some(limit) = self.calls.budget.guard() {
            return self.finish(Outcome::Incomplete { reason: MAX_MESSAGES, limit: Some(limit) });
        }
        match self.stance.judge(&self.calls) {
            Verdict::Again => self.generate(),
            Verdict::Done => {
                self.speech.complete(&mut self.out);
                self.finish(Outcome::Completed);
            }
            Verdict::Stubborn => self.fail(no_call()),
        }
    }

    fn generate(&mut self) {
        if self.generations >= self.limits.rounds {
            return self.finish(Outcome::Incomplete { reason: MAX_MESSAGES, limit: Some("rounds") });
        }
        if self.allowance == Some(0) {
            return self.finish(Outcome::Incomplete { reason: MAX_OUTPUT_TOKENS, limit: None });
        }
        self.generations += 1;
        self.phase = Phase::Generating;
        self.remember();
        if self.has_server_tools && self.calls.budget.is_spent() {
            self.withdraw_server_tools();
        }
        let mut request = Box::new(self.request.clone());
        request.sampling.max_output_tokens = self.allowance;
        if request.tool_choice != ModelChoice::None {
            request.tool_choice = self.stance.of_generation();
        }
        self.out.push(Effect::CallModel(request));
    }

    /// Adds the generation to the context; one without calls is only asked again, and then left out.
    fn remember(&mut self) {
        let speech = std::mem::take(&mut self.speech);
        if self.calls.is_any() {
            let context = self.calls.take_context(&self.out, speech.said());
            Arc::make_mut(&mut self.request.items).extend(context);
        }
    }

    /// Leaves the client's tools and thoughts; where there are none, the tools stay and no call is allowed.
    fn withdraw_server_tools(&mut self) {
        self.has_server_tools = false;
        let stays = |tool: &&ModelTool| !counts(&self.ownership.decide(&tool.name));
        let rest: Vec<ModelTool> = self.request.tools.iter().filter(stays).cloned().collect();
        if rest.is_empty() {
            self.request.tool_choice = ModelChoice::None;
        } else {
            self.request.tools = Arc::new(rest);
        }
    }

    fn account(&mut self) {
        let usage = std::mem::take(&mut self.spending);
        self.spent += usage;
        self.allowance = self.allowance.map(|left| left.saturating_sub(usage.output_tokens));
    }

    fn announce(&mut self, lifecycle: Lifecycle) {
        self.out.emit(EventBody::Lifecycle(lifecycle, Box::new(self.response.clone())));
    }

    fn on_failure(&mut self, error: ModelError) {
        self.abort();
        self.fail(error);
    }

    /// Closes what is open and stops everything that runs.
    fn abort(&mut self) {
        self.speech.close(&mut self.out, ItemStatus::Incomplete);
        self.calls.give_up(&mut self.out);
        self.out.push(Effect::Abort);
    }

    fn fail(&mut self, error: ModelError) {
        self.out.emit(finished::error_body(error.error.clone()));
        self.finish(Outcome::Failed(error));
    }

    fn finish(&mut self, outcome: Outcome) {
        self.account();
        self.phase = Phase::Finished;
        let mut response = self.response.clone();
        response.output = self.out.take_output();
        response.usage = Some(self.spent);
        let failure = outcome.apply(&mut response);
        let sequence_number = self.out.take_number();
        self.out.push(Effect::Finish(Box::new(Finished { response, sequence_number, failure })));
    }
}

impl Outcome {
    fn apply(self, response: &mut Response) -> Option<ModelError> {
        match self {
            Self::Completed => response.status = Status::Completed,
            Self::Cancelled => response.status = Status::Cancelled,
            Self::Incomplete { reason, limit } => {
                response.status = Status::Incomplete;
                let (reason, limit) = (reason.to_owned(), limit.map(str::to_owned));
                response.incomplete_details = Some(IncompleteDetails { reason, limit });
            }
            Self::Failed(error) => {
                response.status = Status::Failed;
                response.error = Some(finished::response_error(&error.error));
                return Some(error);
            }
        }
        None
    }
}

/// True if a call is one that `max_tool_calls` counts.
fn counts(decision: &Decision) -> bool {
    match decision {
        Decision::Server(tool) => *tool != ServerTool::Think,
        Decision::Client(_) | Decision::Denied(_) => false,
    }
}

fn no_call() -> ModelError {
    let message = "The model made no tool call although the request requires one.";
    ModelError { error: ApiError::new(502, SERVER_ERROR, message), cause: Failure::Malformed }
}
