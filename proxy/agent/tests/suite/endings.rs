//! What the driver does with the end of a run.

use agent::model::StopReason;
use agent::run::Effect;
use protocol::error::{ApiError, SERVER_ERROR};
use protocol::responses::event::EventBody;
use protocol::responses::response::Status;

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
