//! How many server-run calls a run may make.

use crate::limits::Limits;
use crate::tool::ToolCall;

/// What the model is told of a call that the limit of the response kept from running.
pub(crate) const SPENT: &str =
    "Not executed: this response has used up its tool calls. Answer with what you already have.";

/// Counts calls over all generations of a run.
pub(crate) struct Budget {
    limits: Limits,
    max: Option<u64>,
    made: u64,
    last: Option<(String, String)>,
    repeats: u32,
    guard: Option<&'static str>,
}

impl Budget {
    pub(crate) fn new(limits: Limits, max: Option<u64>) -> Self {
        Self { limits, max, made: 0, last: None, repeats: 0, guard: None }
    }

    /// The guard that ends the run, by the name of its limit.
    pub(crate) fn guard(&self) -> Option<&'static str> {
        self.guard
    }

    /// True if the limit that the client set is reached.
    pub(crate) fn is_spent(&self) -> bool {
        self.max.is_some_and(|max| self.made >= max)
    }

    /// True if no further call of a server tool is admitted.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_spent() || self.guard.is_some()
    }

    /// Counts a call of a server tool; one that is not admitted must not run.
    pub(crate) fn admit(&mut self) -> bool {
        if self.is_closed() {
            return false;
        }
        if self.made >= u64::from(self.limits.tool_calls) {
            self.guard = Some("tool_calls");
            return false;
        }
        self.made += 1;
        true
    }

    /// Looks for a model that repeats itself.
    pub(crate) fn watch(&mut self, call: &ToolCall) {
        let is_same =
            |(name, arguments): &(String, String)| *name == call.name && *arguments == call.arguments;
        if self.last.as_ref().is_some_and(is_same) {
            self.repeats += 1;
        } else {
            self.last = Some((call.name.clone(), call.arguments.clone()));
            self.repeats = 1;
        }
        if self.repeats >= self.limits.identical_calls {
            self.guard.get_or_insert("identical_calls");
        }
    }
}
