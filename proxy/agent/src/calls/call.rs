//! One call, from its first word to its result.

use protocol::Object;
use protocol::responses::item::{FunctionCall, Item};
use serde_json::Value;

use crate::calls::budget::{Budget, SPENT};
use crate::calls::client::ClientCall;
use crate::calls::shown::{Form, Shown};
use crate::calls::{Begun, Decide, Resumed, approval};
use crate::context::{as_object, pair};
use crate::emit::Emitter;
use crate::run::Effect;
use crate::speech::{self, OpenReasoning};
use crate::tool::{Decision, Owner, Progress, ServerTool, ToolCall, ToolOutcome};

/// What the model is told after a thought.
const NOTED: &str = "Noted.";

/// A call of the model.
pub(super) struct Call {
    index: u32,
    call: ToolCall,
    state: State,
}

enum State {
    Writing(Writing),
    Active(Box<Active>),
    Over(End),
}

/// Arguments that grow; only those of a client's call are shown before they are whole.
enum Writing {
    Thought(Box<OpenReasoning>),
    Server(ServerTool),
    Refused(Answer, String),
    Client(Box<ClientCall>),
}

/// A server-run call with whole arguments.
struct Active {
    tool: ServerTool,
    shown: Shown,
    is_running: bool,
}

enum End {
    /// The model is told this.
    Answered(Answer, String),
    /// The client answers after the turn: with an output or with its approval.
    Handed,
    /// It was cut off or given up.
    Dropped,
}

/// Where an answer comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The tool ran, or the limit of the response kept it from running.
    Tool,
    /// Nobody offers the tool.
    Unknown,
    /// The choice of the turn forbids the call.
    Outside,
}

impl Call {
    pub(super) fn begin(out: &mut Emitter, begun: Begun) -> Self {
        let Begun { index, name, owner, outside } = begun;
        let call = ToolCall { id: out.call_id(), name, arguments: String::new() };
        let writing = match owner {
            Owner::Server(ServerTool::Think) => Writing::Thought(Box::new(speech::begin_thought(out))),
            Owner::Server(tool) => Writing::Server(tool),
            Owner::Client(tool) => Writing::Client(Box::new(ClientCall::open(out, tool, &call.id))),
            Owner::Nobody(why) if outside => Writing::Refused(Answer::Outside, why),
            Owner::Nobody(why) => Writing::Refused(Answer::Unknown, why),
        };
        Self { index, call, state: State::Writing(writing) }
    }

    /// A call that the client approved, with what is decided of it by the rules of this turn.
    pub(super) fn resume(out: &mut Emitter, resumed: Resumed, budget: &mut Budget) -> Self {
        let Resumed { name, tool, approved, decision } = resumed;
        let call = ToolCall { id: out.call_id(), name, arguments: approved.arguments };
        let state = match Form::of(&tool) {
            None => State::Over(End::Dropped),
            Some(form) => {
                let shown = Shown::open(out, form.approved(approved.request_id), &call);
                match decision {
                    Decision::Denied(why) => denied(out, shown, why),
                    Decision::Run | Decision::Approval if budget.admit() => {
                        State::Active(Box::new(Active { tool, shown, is_running: false }))
                    }
                    Decision::Run | Decision::Approval => denied(out, shown, SPENT.to_owned()),
                }
            }
        };
        Self { index: 0, call, state }
    }

    /// True if it waits for its turn to run.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(&self.state, State::Active(active) if !active.is_running)
    }

    /// True if arguments of this index belong here.
    pub(super) fn is_written(&self, index: u32) -> bool {
        self.index == index && matches!(self.state, State::Writing(_))
    }

    pub(super) fn write(&mut self, out: &mut Emitter, fragment: String) {
        match &mut self.state {
            State::Writing(Writing::Client(client)) => client.write(out, fragment),
            State::Writing(Writing::Thought(_) | Writing::Server(_) | Writing::Refused(..)) => {
                self.call.arguments.push_str(&fragment);
            }
            State::Active(_) | State::Over(_) => {}
        }
    }

    /// The arguments are whole. True if the call now waits for its turn to run.
    pub(super) fn settle(&mut self, out: &mut Emitter, budget: &mut Budget, decide: &Decide<'_>) -> bool {
        self.state = match self.take() {
            State::Writing(Writing::Thought(mut open)) => {
                open.text(out, thought(&self.call.arguments));
                open.close(out, None);
                State::Over(End::Answered(Answer::Tool, NOTED.to_owned()))
            }
            State::Writing(Writing::Server(tool)) => self.judge(out, tool, (budget, decide)),
            State::Writing(Writing::Refused(answer, why)) => {
                budget.watch(&self.call);
                State::Over(End::Answered(answer, why))
            }
            State::Writing(Writing::Client(client)) => {
                client.end(out);
                State::Over(End::Handed)
            }
            settled @ (State::Active(_) | State::Over(_)) => {
                self.state = settled;
                return false;
            }
        };
        matches!(self.state, State::Active(_))
    }

    /// What becomes of a server-run call with whole arguments.
    fn judge(
        &self,
        out: &mut Emitter,
        tool: ServerTool,
        (budget, decide): (&mut Budget, &Decide<'_>),
    ) -> State {
        budget.watch(&self.call);
        let spent = || State::Over(End::Answered(Answer::Tool, SPENT.to_owned()));
        if budget.is_closed() {
            return spent();
        }
        match (decide(&tool, &self.call), Form::of(&tool)) {
            (Decision::Run, Some(form)) if budget.admit() => {
                let shown = Shown::open(out, form, &self.call);
                State::Active(Box::new(Active { tool, shown, is_running: false }))
            }
            (Decision::Run, _) => spent(),
            (Decision::Approval, _) => {
                approval::ask(out, &tool, &self.call);
                State::Over(End::Handed)
            }
            (Decision::Denied(why), Some(form)) => {
                let shown = Shown::open(out, form, &self.call);
                denied(out, shown, why)
            }
            (Decision::Denied(why), None) => State::Over(End::Answered(Answer::Tool, why)),
        }
    }

    /// Drops a call whose arguments are not whole: it cannot be run.
    pub(super) fn cut(&mut self, out: &mut Emitter) {
        self.state = match self.take() {
            State::Writing(writing) => {
                match writing {
                    Writing::Client(client) => client.cut(out),
                    Writing::Thought(open) => open.close(out, None),
                    Writing::Server(_) | Writing::Refused(..) => {}
                }
                State::Over(End::Dropped)
            }
            whole @ (State::Active(_) | State::Over(_)) => whole,
        };
    }

    /// Whether running it may change something.
    pub(super) fn acts(&self) -> bool {
        let reads = |tool: &ServerTool| {
            matches!(tool, ServerTool::Think | ServerTool::FileSearch | ServerTool::WebSearch)
        };
        matches!(&self.state, State::Active(active) if !reads(&active.tool))
    }

    pub(super) fn start(&mut self, out: &mut Emitter) {
        if let State::Active(active) = &mut self.state {
            active.is_running = true;
            active.shown.start(out);
            out.push(Effect::CallTool { tool: active.tool.clone(), call: self.call.clone() });
        }
    }

    /// True if this is the call and it runs.
    pub(super) fn is_running(&self, id: &str) -> bool {
        self.call.id == id && matches!(&self.state, State::Active(active) if active.is_running)
    }

    pub(super) fn step(&self, out: &mut Emitter, progress: Progress) {
        if let State::Active(active) = &self.state {
            active.shown.step(out, progress);
        }
    }

    pub(super) fn finish(&mut self, out: &mut Emitter, outcome: ToolOutcome) {
        self.state = match self.take() {
            State::Active(active) => {
                State::Over(End::Answered(Answer::Tool, active.shown.close(out, outcome)))
            }
            other @ (State::Writing(_) | State::Over(_)) => other,
        };
    }

    /// Closes the item of a call that will not return.
    pub(super) fn give_up(&mut self, out: &mut Emitter) {
        self.cut(out);
        self.state = match self.take() {
            State::Active(active) => {
                active.shown.give_up(out);
                State::Over(End::Dropped)
            }
            other @ (State::Writing(_) | State::Over(_)) => other,
        };
    }

    /// True if the client has to answer.
    pub(super) fn is_handed(&self) -> bool {
        matches!(self.state, State::Over(End::Handed))
    }

    /// True if the model is told something of this origin.
    pub(super) fn is_answered(&self, origin: Answer) -> bool {
        matches!(&self.state, State::Over(End::Answered(answer, _)) if *answer == origin)
    }

    /// The call and its result as the model reads them.
    pub(super) fn into_context(self) -> Option<[Item; 2]> {
        let State::Over(End::Answered(_, text)) = self.state else { return None };
        let ToolCall { id: call_id, name, arguments } = self.call;
        let arguments = as_object(arguments);
        Some(pair(FunctionCall { call_id, name, arguments, ..FunctionCall::default() }, text))
    }

    fn take(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Over(End::Dropped))
    }
}

/// Closes the item of a call that must not run.
fn denied(out: &mut Emitter, shown: Shown, why: String) -> State {
    State::Over(End::Answered(Answer::Tool, shown.close(out, ToolOutcome::failure(why))))
}

/// The `thought` of a think call, or the arguments as they are.
fn thought(arguments: &str) -> String {
    let fields = serde_json::from_str::<Object>(arguments).unwrap_or_default();
    fields.get("thought").and_then(Value::as_str).unwrap_or(arguments).to_owned()
}
