//! One turn of the loop as a state machine: whose move it is, and what follows.

use std::sync::Arc;

use protocol::responses::event::{EventBody, Lifecycle};
use protocol::responses::item::{Item, ItemStatus};
use protocol::responses::response::Response;
use protocol::responses::usage::{ImageUsage, Usage};
use serde_json::json;

use crate::calls::{Begun, Calls, Resumed, SPENT};
use crate::citations::Sources;
use crate::context::{self, Scene};
use crate::emit::Emitter;
use crate::finished::{self, Finished};
use crate::ids::Ids;
use crate::limits::Limits;
use crate::lists::Lists;
use crate::model::{Failure, ModelChoice, ModelError, ModelEvent, ModelRequest, ModelTool, StopReason};
use crate::names::{Names, Remote};
use crate::speech::Speech;
use crate::stance::{Stance, Verdict};
use crate::tool::{Approved, Decision, ListOutcome, Owner, Ownership, ServerTool, ToolCall, ToolOutcome};
use outcome::Outcome;
use rules::{counts, decide, no_call, not_offered};
pub use turn::{Effect, Input, Turn};

mod outcome;
mod rules;
mod turn;

/// The most tools of servers that are offered to one call of the model.
const OFFERED: usize = 128;

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
    lists: Lists,
    names: Names,
    /// What the model will read of earlier turns and of the input; rendered once the tools are known.
    context: (Vec<Item>, Vec<Item>),
    approved: Vec<Approved>,
    can_ask: bool,
    has_server_tools: bool,
    out: Emitter,
    speech: Speech,
    /// What the answer may cite.
    sources: Sources,
    calls: Calls,
    phase: Phase,
    generations: u32,
    /// Of the generation that runs.
    spending: Usage,
    /// Of all before.
    spent: Usage,
    /// Of tools.
    tools_spent: Usage,
    /// What went into images, if any was made.
    images: Option<ImageUsage>,
    /// What generations have left of the response's output tokens.
    allowance: Option<u64>,
}

/// Whose move it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Servers are asked for their tools.
    Listing,
    /// Calls that the client approved run.
    Resuming,
    Generating,
    /// The model has stopped, for a reason that ends the turn if it is one.
    Calling(Option<&'static str>),
    Finished,
}

impl<O: Ownership> Run<O> {
    /// Starts a run; its first effects are ready to be polled.
    pub fn new(turn: Turn, ownership: O, limits: Limits, ids: Ids) -> Self {
        let Turn { history, input, mut request, .. } = turn;
        let parallel = request.parallel_tool_calls != Some(false);
        request.tool_choice = ModelChoice::Auto;
        let mut run = Self {
            ownership,
            limits,
            response: turn.response,
            keeps_model_name: turn.keeps_model_name,
            allowance: request.sampling.max_output_tokens,
            names: Names::new(request.tools.iter().map(|tool| tool.name.as_str())),
            request,
            stance: Stance::new(turn.tool_choice),
            lists: Lists::new(turn.servers, &history.iter().chain(&input)),
            sources: Sources::of(history.iter().chain(&input)),
            context: (history, input),
            approved: turn.approved,
            can_ask: turn.can_ask,
            has_server_tools: true,
            out: Emitter::new(ids),
            speech: Speech::default(),
            calls: Calls::new(limits, turn.max_tool_calls, parallel),
            phase: Phase::Listing,
            generations: 0,
            spending: Usage::default(),
            spent: Usage::default(),
            tools_spent: Usage::default(),
            images: None,
        };
        run.announce(Lifecycle::Created);
        run.announce(Lifecycle::InProgress);
        run.lists.begin(&mut run.out);
        run.advance();
        run
    }

    /// Advances the run; [`Run::poll`] is called until it returns `None` afterwards.
    ///
    /// Late inputs (a finished run, an unknown call) change nothing.
    pub fn handle(&mut self, input: Input) {
        match (self.phase, input) {
            (Phase::Finished, _) => {}
            (Phase::Generating, Input::Model(event)) => self.on_model(event),
            (Phase::Generating, Input::ModelFailed(error)) | (_, Input::Failed(error)) => {
                self.on_failure(error);
            }
            (
                Phase::Listing | Phase::Resuming | Phase::Calling(_),
                Input::Model(_) | Input::ModelFailed(_),
            ) => {}
            (_, Input::Listed { server_label, outcome }) => self.on_listed(&server_label, outcome),
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
            ModelEvent::TextDelta { text, logprobs } => {
                speech.text(out, text, logprobs);
                speech.cite(out, &self.sources);
            }
            ModelEvent::ReasoningDelta { index, text } => speech.reasoning(out, index, text),
            ModelEvent::SummaryDelta { index, part, text } => speech.summary(out, (index, part), text),
            ModelEvent::ReasoningSealed { index, encrypted } => speech.sealed(out, index, encrypted),
            ModelEvent::RefusalDelta { text } => speech.refusal(out, text),
            ModelEvent::Annotation { annotation } => speech.annotation(out, annotation),
            ModelEvent::ToolStart { index, name } => self.on_call(index, name),
            ModelEvent::ToolArguments { index, fragment } => self.calls.write(out, index, fragment),
            ModelEvent::ToolEnd { index } => {
                let (ownership, can_ask) = (&self.ownership, self.can_ask);
                self.calls.end(out, index, &|tool, call| decide(ownership, can_ask, tool, call));
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
        let owner = self.owner(&name);
        let begun = match self.objection(&name, &owner) {
            Some(why) => Begun { index, name, owner: Owner::Nobody(why), outside: true },
            None => Begun { index, name, owner, outside: false },
        };
        self.calls.begin(&mut self.out, begun);
    }

    fn owner(&self, name: &str) -> Owner {
        match self.names.get(name) {
            Some(Remote { server_label, tool }) => {
                let (server_label, name) = (server_label.clone(), tool.clone());
                Owner::Server(ServerTool::Mcp { server_label, name })
            }
            None => self.ownership.owner(name),
        }
    }

    /// Why the turn does not allow a call, if it does not.
    fn objection(&self, name: &str, owner: &Owner) -> Option<String> {
        if !self.stance.permits(name) {
            return Some(format!("Not executed: the tool {name} must not be used here."));
        }
        (!self.has_server_tools && counts(owner)).then(|| SPENT.to_owned())
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
            None => {
                let (ownership, can_ask) = (&self.ownership, self.can_ask);
                self.calls.end_all(&mut self.out, &|tool, call| decide(ownership, can_ask, tool, call));
            }
        }
        self.phase = Phase::Calling(cut);
        self.calls.launch(&mut self.out, true);
        self.advance();
    }

    fn on_tool(&mut self, call: &str, mut outcome: ToolOutcome) {
        let (usage, images) = (outcome.usage, outcome.image_usage.take());
        let sources = std::mem::take(&mut outcome.sources);
        if self.calls.done(&mut self.out, call, outcome) {
            self.tools_spent += usage;
            self.sources.add(sources);
            if let Some(images) = images {
                *self.images.get_or_insert_default() += *images;
            }
            self.calls.launch(&mut self.out, self.phase != Phase::Generating);
            self.advance();
        }
    }

    fn on_listed(&mut self, server_label: &str, outcome: ListOutcome) {
        match self.lists.done(&mut self.out, server_label, outcome) {
            Ok(()) => self.advance(),
            Err(error) => self.on_failure(ModelError { error, cause: Failure::Tools }),
        }
    }

    /// Decides what follows once everything that the phase waits for has returned.
    fn advance(&mut self) {
        match self.phase {
            Phase::Listing if !self.lists.is_pending() => self.resume(),
            Phase::Resuming if !self.calls.is_pending() => self.generate(),
            Phase::Calling(cut) if !self.calls.is_pending() => self.conclude(cut),
            Phase::Listing | Phase::Resuming | Phase::Generating | Phase::Calling(_) | Phase::Finished => {}
        }
    }

    /// Takes over what was listed, and begins the calls that the client approved.
    fn resume(&mut self) {
        self.offer();
        let (history, input) = std::mem::take(&mut self.context);
        let approved = std::mem::take(&mut self.approved);
        let scene = Scene { names: &self.names, approved: &approved };
        self.request.items = Arc::new(context::render(history, input, scene));
        if let Err(pick) = self.stance.resolve(&self.names) {
            return self.on_failure(not_offered(&pick));
        }
        self.phase = Phase::Resuming;
        for approved in approved {
            let resumed = self.resumed(approved);
            self.calls.resume(&mut self.out, resumed);
        }
        self.calls.launch(&mut self.out, true);
        self.advance();
    }

    /// Offers the tools of servers to the model, in the order of the turn.
    fn offer(&mut self) {
        let mut offered = Vec::new();
        for (server, listing) in self.lists.take() {
            for tool in self.ownership.listed(&server, &listing) {
                if offered.len() < OFFERED && self.names.known(&server, &tool.name).is_none() {
                    offered.push(ModelTool::remote(self.names.add(&server, &tool.name), tool));
                }
            }
        }
        if !offered.is_empty() {
            Arc::make_mut(&mut self.request.tools).extend(offered);
        }
    }

    /// A call that was approved, with what the rules of this turn say of it.
    fn resumed(&self, approved: Approved) -> Resumed {
        let (server_label, tool) = (approved.server_label.clone(), approved.name.clone());
        let name = self.names.of_call(&server_label, &tool);
        let is_offered = self.names.known(&server_label, &tool).is_some();
        let server_tool = ServerTool::Mcp { server_label, name: tool };
        let call = ToolCall { id: String::new(), name, arguments: approved.arguments.clone() };
        let decision = if is_offered {
            self.ownership.decide(&server_tool, &call)
        } else {
            Decision::Denied(format!("Not executed: the tool {} is no longer available.", call.name))
        };
        Resumed { name: call.name, tool: server_tool, approved, decision }
    }

    /// Decides what follows a generation.
    fn conclude(&mut self, cut: Option<&'static str>) {
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
        let stays = |tool: &&ModelTool| !counts(&self.owner(&tool.name));
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
        self.lists.give_up(&mut self.out);
        self.calls.give_up(&mut self.out);
        self.out.push(Effect::Abort);
    }

    /// What a tool has done is done: the same request must not be sent again without thought.
    fn fail(&mut self, mut error: ModelError) {
        if self.calls.has_acted {
            error.error.should_retry = Some(false);
        }
        self.out.emit(finished::error_body(error.error.clone()));
        self.finish(Outcome::Failed(error));
    }

    fn finish(&mut self, outcome: Outcome) {
        self.account();
        self.phase = Phase::Finished;
        let mut response = self.response.clone();
        response.output = self.out.take_output();
        let (model_usage, mut usage) = (self.spent, self.spent);
        usage += self.tools_spent;
        response.usage = Some(usage);
        if let Some(images) = self.images {
            response.rest.insert("tool_usage".to_owned(), json!({ "image_gen": images }));
        }
        let failure = outcome.apply(&mut response);
        let sequence_number = self.out.take_number();
        self.out.push(Effect::Finish(Box::new(Finished { response, model_usage, sequence_number, failure })));
    }
}
