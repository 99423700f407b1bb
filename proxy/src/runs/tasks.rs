//! What runs beside the model: lists of servers and calls of tools, with what they report.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;

use agent::run::Input;
use agent::tool::{ServerTool, ToolCall};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::time::Instant;
use tools::progress::{Progresses, Steps};
use tools::toolbox::Toolbox;

use crate::telemetry::Metrics;

/// Runs lists and calls of one run. Dropping it drops them.
pub(super) struct Tasks {
    running: FuturesUnordered<BoxFuture<'static, Input>>,
    /// Made for the first call: most runs make none.
    reports: Option<(Progresses, Steps)>,
    /// Inputs that come before the next one.
    ready: VecDeque<Input>,
}

impl Tasks {
    pub(super) fn new() -> Self {
        Self { running: FuturesUnordered::new(), reports: None, ready: VecDeque::new() }
    }

    /// True if nothing runs and nothing waits to be told.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty() && self.ready.is_empty()
    }

    /// Asks a server for its tools.
    pub(super) fn list(&mut self, toolbox: &Toolbox, server_label: String) {
        let toolbox = toolbox.clone();
        let list = async move {
            let outcome = toolbox.list(&server_label).await;
            Input::Listed { server_label, outcome }
        };
        self.running.push(list.boxed());
    }

    /// Starts a call.
    pub(super) fn call(
        &mut self,
        toolbox: &Toolbox,
        metrics: &Arc<Metrics>,
        (tool, call): (ServerTool, ToolCall),
    ) {
        let (toolbox, metrics, started) = (toolbox.clone(), Arc::clone(metrics), Instant::now());
        let (progresses, _) = self.reports.get_or_insert_with(Progresses::channel);
        let reporter = progresses.of(call.id.clone());
        let run = async move {
            let outcome = toolbox.execute(&tool, &call, &reporter).await;
            metrics.tool(toolbox.label(&tool, &call.name), started.elapsed(), outcome.failed);
            Input::ToolDone { call: call.id, outcome }
        };
        self.running.push(run.boxed());
    }

    /// Has something told that needs no waiting.
    pub(super) fn tell(&mut self, input: Input) {
        self.ready.push_back(input);
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
        let step = async {
            match &mut self.reports {
                Some((_, steps)) => steps.recv().await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased; // a step comes before the result of its call
            Some((call, progress)) = step => Input::Progress { call, progress },
            Some(input) = self.running.next() => self.after_steps(input),
            else => pending().await,
        }
    }

    /// A call may report and return within one poll: its steps go first.
    fn after_steps(&mut self, result: Input) -> Input {
        let Some((_, steps)) = &mut self.reports else { return result };
        let Ok((call, progress)) = steps.try_recv() else { return result };
        while let Ok((call, progress)) = steps.try_recv() {
            self.ready.push_back(Input::Progress { call, progress });
        }
        self.ready.push_back(result);
        Input::Progress { call, progress }
    }
}

#[cfg(test)]
mod tests {
    use agent::tool::{Decision, ListOutcome, Origin, Progress, ToolOutcome};
    use protocol::responses::mcp::ListedTool;
    use protocol::responses::tool::Tool;
    use tools::progress::Reporter;
    use tools::remote::Remote;
    use tools::toolbox::{Behind, Remotes};

    use super::*;

    /// Reports more steps than may wait, then returns.
    struct Busy;

    #[async_trait::async_trait]
    impl Remote for Busy {
        fn is_required(&self) -> bool {
            true
        }

        fn allows(&self, _: &ListedTool, _: Origin) -> bool {
            true
        }

        fn is_read_only(&self, _: &ListedTool, _: Origin) -> bool {
            false
        }

        fn decide(&self, _: &str, _: &ToolCall, _: bool) -> Decision {
            Decision::Run
        }

        async fn list(&self) -> ListOutcome {
            ListOutcome::Listed(Vec::new())
        }

        async fn call(&self, _: &str, _: &ToolCall, progress: &Reporter) -> ToolOutcome {
            for _ in 0..200 {
                progress
                    .report(Progress { event: "response.mcp_call.in_progress", fields: Vec::new() })
                    .await;
            }
            ToolOutcome::text("done")
        }
    }

    fn busy() -> Toolbox {
        let tools = serde_json::json!([{"type": "mcp", "server_label": "wiki"}]);
        let tools: Vec<Tool> = serde_json::from_value(tools).unwrap();
        let remotes = Remotes::from([("wiki".to_owned(), Arc::new(Busy) as Arc<dyn Remote>)]);
        Toolbox::new(&tools, &Behind { remotes, ..Behind::default() }).unwrap()
    }

    fn call() -> (ServerTool, ToolCall) {
        let tool = ServerTool::Mcp { server_label: "wiki".to_owned(), name: "read".to_owned() };
        (tool, ToolCall { id: "call_1".to_owned(), name: "read".to_owned(), arguments: "{}".to_owned() })
    }

    #[tokio::test]
    async fn every_step_of_a_call_comes_before_its_result() {
        let mut tasks = Tasks::new();
        tasks.call(&busy(), &Arc::new(Metrics::new().unwrap()), call());
        let mut steps = 0;
        let result = loop {
            let input = tasks.next().await;
            if !matches!(input, Input::Progress { .. }) {
                break input;
            }
            steps += 1;
        };
        assert_eq!(steps, 200);
        let outcome = ToolOutcome::text("done");
        assert_eq!(result, Input::ToolDone { call: "call_1".to_owned(), outcome });
    }

    #[tokio::test]
    async fn a_server_answers_with_its_tools() {
        let mut tasks = Tasks::new();
        tasks.list(&busy(), "wiki".to_owned());
        let outcome = ListOutcome::Listed(Vec::new());
        assert_eq!(tasks.next().await, Input::Listed { server_label: "wiki".to_owned(), outcome });
    }

    #[tokio::test]
    async fn nothing_comes_of_what_was_dropped() {
        let mut tasks = Tasks::new();
        tasks.call(&busy(), &Arc::new(Metrics::new().unwrap()), call());
        assert!(matches!(tasks.next().await, Input::Progress { .. }));
        tasks.clear();
        assert!(tasks.next().now_or_never().is_none());
    }
}
