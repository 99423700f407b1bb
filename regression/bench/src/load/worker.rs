//! One connection's loop.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use memchr::memmem;
use tokio::time::{sleep, timeout};

use crate::clock;
use crate::load::arguments::Arguments;
use crate::load::connection::Connection;
use crate::load::events::Reader;
use crate::load::requests::Requests;
use crate::load::tally::Tally;

/// Longer than any answer of a scenario.
const PATIENCE: Duration = Duration::from_secs(60);
/// A connection that failed so often in a row gives up.
const MOST_FAILURES: u32 = 20;

/// What all connections share.
pub(crate) struct Plan {
    arguments: Arguments,
    requests: Requests,
    end_ns: u64,
    pub(crate) tally: RefCell<Tally>,
}

impl Plan {
    pub(crate) fn new(arguments: Arguments, requests: Requests) -> Self {
        let length = Duration::from_secs_f64(arguments.seconds);
        let end_ns = clock::monotonic_ns() + u64::try_from(length.as_nanos()).unwrap_or(u64::MAX / 2);
        Self { arguments, requests, end_ns, tally: RefCell::new(Tally::default()) }
    }

    /// The number of the next request, while there is one.
    fn next(&self) -> Option<u64> {
        (clock::monotonic_ns() < self.end_ns).then_some(())?;
        self.tally.borrow_mut().issue(self.arguments.requests)
    }
}

/// A connection and its place in a chain.
pub(crate) struct Worker {
    plan: Rc<Plan>,
    number: u64,
    request: Vec<u8>,
    previous: Option<String>,
    turns: u64,
}

impl Worker {
    pub(crate) fn new(plan: Rc<Plan>, number: u64) -> Self {
        Self { plan, number, request: Vec::new(), previous: None, turns: 0 }
    }

    /// Sends until the plan ends. A failure closes the connection and is counted.
    pub(crate) async fn run(mut self) {
        let Arguments { ramp_ms, connections, .. } = self.plan.arguments;
        sleep(Duration::from_millis(ramp_ms * self.number / connections.max(1))).await;
        let mut failures = 0;
        while failures < MOST_FAILURES {
            let Err(error) = self.session(&mut failures).await else { return };
            self.plan.tally.borrow_mut().fail(&error);
            self.previous = None;
            failures += 1;
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn session(&mut self, failures: &mut u32) -> Result<(), String> {
        let mut connection = Connection::open(&self.plan.arguments.address).await?;
        while let Some(number) = self.plan.next() {
            self.prepare(number);
            timeout(PATIENCE, self.exchange(&mut connection)).await.map_err(|_| "no answer in time")??;
            *failures = 0;
        }
        Ok(())
    }

    fn prepare(&mut self, number: u64) {
        if self.turns >= self.plan.arguments.chain {
            self.previous = None;
            self.turns = 0;
        }
        self.turns += 1;
        self.plan.requests.write(number, self.previous.as_deref(), &mut self.request);
    }

    async fn exchange(&mut self, connection: &mut Connection) -> Result<(), String> {
        let plan = Rc::clone(&self.plan);
        let sent_ns = clock::monotonic_ns();
        let status = connection.ask(&self.request).await?;
        let mut reader = Reader::new(&plan.arguments.expect, plan.arguments.stream);
        while let Some(piece) = connection.piece().await? {
            reader.feed(&piece);
        }
        let ended_ns = clock::monotonic_ns();
        if plan.arguments.chain > 0 {
            self.previous = response_id(reader.body());
        }
        let marks = reader.finish().map_err(|error| format!("status {status}, {error}"))?;
        if status != 200 {
            return Err(format!("status {status}"));
        }
        plan.tally.borrow_mut().succeed(sent_ns, ended_ns, &marks);
        Ok(())
    }
}

/// The id of the response object `body`.
fn response_id(body: &[u8]) -> Option<String> {
    const KEY: &[u8] = br#""id":"resp_"#;
    let start = memmem::find(body, KEY)? + KEY.len() - "resp_".len();
    let length = memchr::memchr(b'"', &body[start..])?;
    String::from_utf8(body[start..start + length].to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_response_is_not_that_of_its_predecessor() {
        let body = br#"{"previous_response_id":"resp_a","id":"resp_b","object":"response"}"#;
        assert_eq!(response_id(body).as_deref(), Some("resp_b"));
    }
}
