//! The calls of one generation: who runs them, which of them wait, and what the model is told.

use std::collections::VecDeque;

use protocol::responses::item::Item;

use crate::emit::Emitter;
use crate::limits::Limits;
use crate::tool::{Approved, Decision, Owner, Progress, ServerTool, ToolCall, ToolOutcome};
use budget::Budget;
pub(crate) use budget::SPENT;
use call::{Answer, Call};

mod approval;
mod budget;
mod call;
mod client;
mod shown;

/// Calls in the model's order, over one generation; the budget is that of the run.
pub(crate) struct Calls {
    pub(crate) budget: Budget,
    list: Vec<Call>,
    waiting: VecDeque<usize>,
    running: usize,
    /// How many may run at a time.
    places: usize,
    /// Whether calls start while the model goes on.
    overlaps: bool,
    /// Whether a call has started that may have changed something.
    pub(crate) has_acted: bool,
}

/// A call that begins.
pub(crate) struct Begun {
    /// How the upstream tells parallel calls apart.
    pub(crate) index: u32,
    pub(crate) name: String,
    pub(crate) owner: Owner,
    /// True if nobody runs it because of the choice of the turn.
    pub(crate) outside: bool,
}

/// A call that begins because the client approved it.
pub(crate) struct Resumed {
    /// The name that the model knows.
    pub(crate) name: String,
    pub(crate) tool: ServerTool,
    pub(crate) approved: Approved,
    pub(crate) decision: Decision,
}

/// Decides on a server-run call whose arguments are whole.
pub(crate) type Decide<'a> = dyn Fn(&ServerTool, &ToolCall) -> Decision + 'a;

impl Calls {
    pub(crate) fn new(limits: Limits, max_tool_calls: Option<u64>, parallel: bool) -> Self {
        let places = if parallel { limits.parallel.max(1) as usize } else { 1 };
        let budget = Budget::new(limits, max_tool_calls);
        let (list, waiting) = (Vec::new(), VecDeque::new());
        Self { budget, list, waiting, running: 0, places, overlaps: parallel, has_acted: false }
    }

    pub(crate) fn begin(&mut self, out: &mut Emitter, begun: Begun) {
        self.list.push(Call::begin(out, begun));
    }

    /// Takes up a call of an earlier turn; it waits for its turn to run.
    pub(crate) fn resume(&mut self, out: &mut Emitter, resumed: Resumed) {
        let call = Call::resume(out, resumed, &mut self.budget);
        if call.is_waiting() {
            self.waiting.push_back(self.list.len());
        }
        self.list.push(call);
    }

    pub(crate) fn write(&mut self, out: &mut Emitter, index: u32, fragment: String) {
        if let Some(call) = self.list.iter_mut().rfind(|call| call.is_written(index)) {
            call.write(out, fragment);
        }
    }

    /// The arguments are whole: a server-run call waits for its turn, a client's is handed over.
    pub(crate) fn end(&mut self, out: &mut Emitter, index: u32, decide: &Decide<'_>) {
        if let Some(place) = self.list.iter().rposition(|call| call.is_written(index)) {
            self.settle(out, place, decide);
        }
    }

    /// Ends the calls that the model left open when it stopped.
    pub(crate) fn end_all(&mut self, out: &mut Emitter, decide: &Decide<'_>) {
        (0..self.list.len()).for_each(|place| self.settle(out, place, decide));
    }

    /// Drops the calls that were cut off.
    pub(crate) fn cut(&mut self, out: &mut Emitter) {
        self.list.iter_mut().for_each(|call| call.cut(out));
    }

    /// Starts waiting calls as far as they may run; `idle` tells that the model has stopped.
    pub(crate) fn launch(&mut self, out: &mut Emitter, idle: bool) {
        while (self.overlaps || idle) && self.running < self.places {
            let Some(call) = self.waiting.pop_front().and_then(|place| self.list.get_mut(place)) else {
                return;
            };
            self.has_acted |= call.acts();
            call.start(out);
            self.running += 1;
        }
    }

    /// Takes the result of a running call; false if no such call runs.
    pub(crate) fn done(&mut self, out: &mut Emitter, id: &str, outcome: ToolOutcome) -> bool {
        let Some(call) = self.list.iter_mut().find(|call| call.is_running(id)) else { return false };
        call.finish(out, outcome);
        self.running -= 1;
        true
    }

    pub(crate) fn step(&self, out: &mut Emitter, id: &str, progress: Progress) {
        if let Some(call) = self.list.iter().find(|call| call.is_running(id)) {
            call.step(out, progress);
        }
    }

    /// Closes the items of calls that will not return.
    pub(crate) fn give_up(&mut self, out: &mut Emitter) {
        self.waiting.clear();
        self.running = 0;
        self.list.iter_mut().for_each(|call| call.give_up(out));
    }

    /// True if a server-run call has not returned yet.
    pub(crate) fn is_pending(&self) -> bool {
        self.running > 0 || !self.waiting.is_empty()
    }

    /// True if the model made any call.
    pub(crate) fn is_any(&self) -> bool {
        !self.list.is_empty()
    }

    /// True if the client has a call to answer or to approve.
    pub(crate) fn is_handed(&self) -> bool {
        self.list.iter().any(Call::is_handed)
    }

    /// True if the model made a call that the choice of the turn allows and somebody offers.
    pub(crate) fn is_obeyed(&self) -> bool {
        self.is_handed() || self.has(Answer::Tool)
    }

    /// True if the model must hear of a result or of an unknown tool.
    pub(crate) fn is_answered(&self) -> bool {
        self.has(Answer::Tool) || self.has(Answer::Unknown)
    }

    /// True if the model made a call outside of the choice.
    pub(crate) fn is_outside(&self) -> bool {
        self.has(Answer::Outside)
    }

    /// Ends the generation: what was said, then the calls, then their results, each in the model's order.
    pub(crate) fn take_context(&mut self, out: &Emitter, said: &[usize]) -> Vec<Item> {
        let mut context: Vec<Item> = said.iter().filter_map(|place| out.item(*place).cloned()).collect();
        let called = std::mem::take(&mut self.list).into_iter().filter_map(Call::into_context);
        let (calls, results): (Vec<Item>, Vec<Item>) = called.map(|[call, result]| (call, result)).unzip();
        context.extend(calls);
        context.extend(results);
        context
    }

    fn settle(&mut self, out: &mut Emitter, place: usize, decide: &Decide<'_>) {
        let Some(call) = self.list.get_mut(place) else { return };
        if call.settle(out, &mut self.budget, decide) {
            self.waiting.push_back(place);
        }
    }

    fn has(&self, origin: Answer) -> bool {
        self.list.iter().any(|call| call.is_answered(origin))
    }
}
