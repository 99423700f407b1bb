//! What the driver does with the end of a run.

use agent::finished::Finished;
use agent::model::StopReason;
use agent::run::{Effect, Input, Run};
use agent::tool::ToolOutcome;
use protocol::error::{ApiError, SERVER_ERROR};
use protocol::responses::event::EventBody;
use protocol::responses::response::Status;
use protocol::responses::usage::Usage;

use super::fold::Client;
use super::support::*;

#[test]
fn a_response_that_cannot_be_stored_has_failed() {
    let mut run = run(turn());
    let mut client = Client::default();
    let mut finished = None;
    for input in [text("Hello"), stop(StopReason::Length)] {
        run.handle(input);
        for effect in drain(&mut run) {
            match effect {
                Effect::Finish(end) => finished = Some(*end),
                other => client.take(&other),
            }
        }
    }
    let mut finished = finished.expect("an end");
    let number = finished.sequence_number;
    let error = finished.store_failed(ApiError::new(503, SERVER_ERROR, "The store is away."));
    assert!(matches!(&error.body, EventBody::Error(error) if error.code.as_deref() == Some("server_error")));
    assert_eq!((error.sequence_number, finished.sequence_number), (number, number + 1));
    client.take(&Effect::Emit(error));
    client.take(&Effect::Finish(Box::new(finished)));
    let response = client.end.expect("a terminal event");
    assert_eq!((response.status, response.output.len()), (Status::Failed, 1));
}

/// Hands over what happens and returns what follows.
fn play(run: &mut Run<Owners>, inputs: impl IntoIterator<Item = Input>) -> Vec<Effect> {
    let mut effects = Vec::new();
    for input in inputs {
        run.handle(input);
        effects.extend(drain(run));
    }
    effects
}

#[test]
fn what_tools_count_is_told_apart_from_what_the_model_counts() {
    for (counted, total) in [(None, 110), (Some(usage(7, 3)), 120)] {
        let mut run = run(turn());
        let asked = call(0, "search", "{}").into_iter().chain([stop(StopReason::Tool)]);
        let started = play(&mut run, asked).into_iter().find_map(|effect| match effect {
            Effect::CallTool { call, .. } => Some(call.id),
            Effect::Abort | Effect::CallModel(_) | Effect::Finish(_) => None,
            Effect::Emit(_) | Effect::ListTools(_) => None,
        });
        let outcome = ToolOutcome { usage: Usage::new(100, 10), ..ToolOutcome::text("found") };
        let found = done(&started.expect("a call"), outcome);
        let answer = [text("Foxes.")].into_iter().chain(counted).chain([stop(StopReason::Stop)]);
        let finished = play(&mut run, [found].into_iter().chain(answer)).into_iter().find_map(finished);
        let finished = finished.expect("an end");
        assert_eq!(finished.response.usage.map(|usage| usage.total_tokens), Some(total));
        assert_eq!(finished.model_usage.total_tokens, total - 110);
    }
}

fn finished(effect: Effect) -> Option<Finished> {
    match effect {
        Effect::Finish(finished) => Some(*finished),
        Effect::Abort | Effect::CallModel(_) | Effect::CallTool { .. } => None,
        Effect::Emit(_) | Effect::ListTools(_) => None,
    }
}
