//! What runs beside the model: lists of servers and calls of tools, with what they report.

use std::collections::VecDeque;
use std::future::pending;

use agent::run::Input;
use agent::tool::{ServerTool, ToolCall};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::time::Instant;
use tools::progress::{Progresses, Steps};

use crate::runs::drive::Work;

/// Runs lists and calls of one run. Dropping it drops them.
pub(super) struct Tasks {
    running: FuturesUnordered<BoxFuture<'static, Input>>,
    progresses: Progresses,
    steps: Steps,
    /// Inputs that come before the next one.
    ready: VecDeque<Input>,
}

impl Tasks {
    pub(super) fn new() -> Self {
        let (progresses, steps) = Progresses::channel();
        Self { running: FuturesUnordered::new(), progresses, steps, ready: VecDeque::new() }
    }

    /// Asks a server for its tools.
    pub(super) fn list(&mut self, work: &Work, server_label: String) {
        let toolbox = work.toolbox.clone();
        let list = async move {
            let outcome = toolbox.list(&server_label).await;
            Input::Listed { server_label, outcome }
        };
        self.running.push(list.boxed());
    }

    /// Starts a call.
    pub(super) fn call(&mut self, work: &Work, tool: ServerTool, call: ToolCall) {
        let (toolbox, metrics, started) = (work.toolbox.clone(), work.metrics.clone(), Instant::now());
        let reporter = self.progresses.of(call.id.clone());
        let run = async move {
            let outcome = toolbox.execute(&tool, &call, &reporter).await;
            metrics.tool(toolbox.label(&tool, &call.name), started.elapsed(), outcome.failed);
            Input::ToolDone { call: call.id, outcome }
        };
        self.running.push(run.boxed());
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    /// The next thing that happens; never returns while nothing runs. Cancellation loses nothing.
    pub(super) async fn next(&mut self) -> Input {
        if let Some(input) = self.ready.pop_front() {
            return input;
        }
        tokio::select! {
            biased; // a step comes before the result of its call
            Some((call, progress)) = self.steps.recv() => Input::Progress { call, progress },
            Some(input) = self.running.next() => self.after_steps(input),
            else => pending().await,
        }
    }

    /// A call may report and return within one poll: its steps go first.
    fn after_steps(&mut self, result: Input) -> Input {
        let Ok((call, progress)) = self.steps.try_recv() else { return result };
        while let Ok((call, progress)) = self.steps.try_recv() {
            self.ready.push_back(Input::Progress { call, progress });
        }
        self.ready.push_back(result);
        Input::Progress { call, progress }
    }
}
