//! How a turn's choice of tools stands while it goes on.

use crate::calls::Calls;
use crate::choice::{Choice, Pick};
use crate::model::ModelChoice;
use crate::names::Names;

/// A choice that is forced until the model has obeyed it, and the one time that the model is asked again.
pub(crate) struct Stance {
    choice: Choice,
    forced: bool,
    retried: bool,
}

/// What a generation means for the turn.
pub(crate) enum Verdict {
    /// The model has something to hear.
    Again,
    /// The model has answered.
    Done,
    /// The model was asked twice for a call and made none.
    Stubborn,
}

impl Stance {
    pub(crate) fn new(choice: Choice) -> Self {
        Self { forced: choice.forces(), choice, retried: false }
    }

    /// Learns the names of the tools of servers.
    ///
    /// Errors: the pick of which nothing is on offer, if the turn must begin with it.
    pub(crate) fn resolve(&mut self, names: &Names) -> Result<(), Pick> {
        self.choice.resolve(names)
    }

    /// What the model is told in the next generation.
    pub(crate) fn of_generation(&self) -> ModelChoice {
        self.choice.of_generation(self.forced)
    }

    /// True if a call of this name is within the choice.
    pub(crate) fn permits(&self, name: &str) -> bool {
        self.choice.permits(name, self.forced)
    }

    /// Judges the calls of a generation, all of which have returned.
    pub(crate) fn judge(&mut self, calls: &Calls) -> Verdict {
        self.forced &= !calls.is_obeyed();
        if !self.forced && calls.is_answered() {
            return Verdict::Again;
        }
        if !self.forced && !calls.is_outside() {
            return Verdict::Done;
        }
        if !std::mem::replace(&mut self.retried, true) {
            return Verdict::Again;
        }
        if self.forced { Verdict::Stubborn } else { Verdict::Done }
    }
}
