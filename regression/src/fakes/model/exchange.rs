//! One request while it is being answered.

use std::sync::Arc;

use super::socket::Fuse;
use super::state::State;

/// Counts a request as open until it is dropped, and as aborted unless it was finished.
pub(super) struct Exchange {
    counted: Option<Arc<State>>,
    fuse: Fuse,
    finished: bool,
}

impl Exchange {
    pub(super) fn new(state: Arc<State>, fuse: Fuse) -> Self {
        state.count(|counts| {
            counts.open += 1;
            counts.requests += 1;
        });
        Self { counted: Some(state), fuse, finished: false }
    }

    /// A request to the server's controls, which is not counted.
    pub(super) fn unseen() -> Self {
        Self { counted: None, fuse: Fuse::default(), finished: true }
    }

    /// The server has sent what it wanted to.
    pub(super) fn finish(&mut self) {
        self.finished = true;
    }

    /// The connection is reset at its end, which the server wanted.
    pub(super) fn reset(&mut self) {
        self.fuse.blow();
        self.finished = true;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let Some(state) = &self.counted else { return };
        state.count(|counts| {
            counts.open -= 1;
            counts.aborted += usize::from(!self.finished);
        });
    }
}
