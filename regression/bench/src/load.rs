//! A closed-loop client: each connection sends its next request when the answer to the last one is complete.

mod arguments;
mod connection;
mod events;
mod requests;
mod summary;
mod tally;
mod worker;

use std::rc::Rc;

use tokio::task::{JoinSet, LocalSet};

use crate::clock;
use requests::Requests;
use worker::{Plan, Worker};

pub use arguments::Arguments;
pub use summary::{Quantiles, Summary};

/// Runs the load and sums it up.
///
/// Errors: a file of the arguments cannot be read. Failed requests are counted, not returned.
pub fn run(arguments: Arguments) -> anyhow::Result<Summary> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let requests = Requests::read(&arguments)?;
    let connections = arguments.connections;
    let plan = Rc::new(Plan::new(arguments, requests));
    let started = clock::monotonic_ns();
    LocalSet::new().block_on(&runtime, all(&plan, connections));
    let elapsed_ns = clock::monotonic_ns() - started;
    Ok(plan.tally.borrow_mut().summary(elapsed_ns))
}

async fn all(plan: &Rc<Plan>, connections: u64) {
    let mut workers = JoinSet::new();
    for number in 0..connections {
        workers.spawn_local(Worker::new(Rc::clone(plan), number).run());
    }
    while let Some(ended) = workers.join_next().await {
        if let Err(error) = ended {
            plan.tally.borrow_mut().fail(&error.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use super::*;
    use crate::mock;

    fn arguments(address: &str, expect: &str) -> Arguments {
        Arguments {
            address: address.to_owned(),
            path: "/v1/chat/completions".to_owned(),
            body: Some(r#"{"messages":[{"role":"user","content":"Hi"}]}"#.to_owned()),
            ids: None,
            expect: expect.to_owned(),
            connections: 4,
            seconds: 20.0,
            requests: 40,
            ramp_ms: 0,
            stream: false,
            chain: 0,
        }
    }

    /// A model server that lives as long as the tests.
    fn model() -> String {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let listen = address.clone();
        std::thread::spawn(move || mock::serve(&listen).unwrap());
        let is_up = (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            TcpStream::connect(&address).is_ok()
        });
        assert!(is_up, "no model server on {address}");
        address
    }

    #[test]
    fn every_answer_and_every_chunk_is_counted() {
        let address = model();
        let whole = run(arguments(&address, r#""finish_reason":"stop""#)).unwrap();
        assert_eq!((whole.answers, whole.errors, whole.chunks), (40, 0, 0), "{}", whole.first_error);
        let body = Some(r#"{"stream":true,"messages":[]}"#.to_owned());
        let streamed = run(Arguments { stream: true, body, ..arguments(&address, "[DONE]") }).unwrap();
        assert_eq!((streamed.answers, streamed.errors, streamed.chunks), (40, 0, 40 * 64));
        assert!(streamed.first_token.p50_ms > 0.0 && streamed.first_token.p50_ms <= streamed.latency.p50_ms);
    }

    #[test]
    fn an_answer_of_another_kind_is_an_error() {
        let summary = run(Arguments { requests: 3, ..arguments(&model(), "[DONE]") }).unwrap();
        assert_eq!((summary.answers, summary.errors), (0, 3));
        assert!(summary.first_error.contains("incomplete answer"), "{}", summary.first_error);
    }
}
