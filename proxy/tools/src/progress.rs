//! What a running call tells before it returns.

use agent::tool::{CallId, Progress};
use tokio::sync::mpsc;

/// Steps that may wait for the driver; then the tool waits.
const WAITING: usize = 64;

/// Where the driver learns of steps.
pub type Steps = mpsc::Receiver<(CallId, Progress)>;

/// Makes reporters.
#[derive(Clone, Debug)]
pub struct Progresses(mpsc::Sender<(CallId, Progress)>);

/// Reports the steps of one call.
#[derive(Debug)]
pub struct Reporter {
    call: CallId,
    steps: mpsc::Sender<(CallId, Progress)>,
}

impl Progresses {
    /// A channel for all calls of a run.
    pub fn channel() -> (Self, Steps) {
        let (sender, steps) = mpsc::channel(WAITING);
        (Self(sender), steps)
    }

    /// The reporter of a call.
    pub fn of(&self, call: CallId) -> Reporter {
        Reporter { call, steps: self.0.clone() }
    }
}

impl Reporter {
    /// Reports a step. Waits while the client is behind.
    pub async fn report(&self, progress: Progress) {
        // Where nobody listens any more, the run is over and the call is about to be dropped.
        let _ = self.steps.send((self.call.clone(), progress)).await;
    }
}
