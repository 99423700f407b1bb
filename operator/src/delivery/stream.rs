//! One stream to one proxy: frames as they become due, and a sign of life in between.

use std::sync::Arc;

use bytes::Bytes;
use config::GatewayId;
use config::delivery::FromOperator;
use futures_util::Stream;
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::delivery::fleet::HEARTBEAT;
use crate::delivery::hub::Hub;

/// A stream; the proxy counts as gone when it is dropped.
struct Open {
    hub: Arc<Hub>,
    gateway: GatewayId,
    session: String,
    bell: watch::Receiver<u64>,
    leads: watch::Receiver<bool>,
    first: Option<FromOperator>,
    /// When a sign of life is due, whatever happens elsewhere meanwhile.
    ping_at: Instant,
    /// When the token of the proxy expires.
    until: Instant,
    is_over: bool,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.hub.change(|fleet, now| fleet.gone(&self.gateway, &self.session, now));
    }
}

/// The frames of a session, as lines.
pub(super) fn frames(
    hub: Arc<Hub>,
    gateway: GatewayId,
    welcome: FromOperator,
    until: Instant,
) -> impl Stream<Item = Bytes> + Send {
    let session = match &welcome {
        FromOperator::Welcome(welcome) => welcome.session.clone(),
        FromOperator::NotLeader { .. }
        | FromOperator::Current(_)
        | FromOperator::Snapshot(_)
        | FromOperator::Recall { .. }
        | FromOperator::Ping
        | FromOperator::Drain { .. } => String::new(),
    };
    let (bell, leads) = (hub.bell(), hub.leads.subscribe());
    let first = Some(welcome);
    let ping_at = Instant::now() + HEARTBEAT;
    let open = Open { hub, gateway, session, bell, leads, first, ping_at, until, is_over: false };
    stream::unfold(open, |mut open| async move { Some((open.next().await?, open)) })
}

impl Open {
    /// What is due next, several frames together; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(line(&first));
        }
        loop {
            if self.is_over || Instant::now() >= self.until || !*self.leads.borrow_and_update() {
                return None;
            }
            self.bell.borrow_and_update();
            let due = self.hub.with(|fleet, now| fleet.next(&self.gateway, &self.session, now));
            self.is_over = due.iter().any(|frame| matches!(frame, FromOperator::Drain { .. }));
            if !due.is_empty() {
                self.ping_at = Instant::now() + HEARTBEAT;
                return Some(due.iter().flat_map(line).collect());
            }
            let rings = async {
                tokio::select! {
                    _ = self.bell.changed() => {}
                    _ = self.leads.changed() => {}
                    () = sleep_until(self.until) => {}
                }
            };
            if timeout_at(self.ping_at, rings).await.is_err() {
                self.ping_at = Instant::now() + HEARTBEAT;
                return Some(line(&FromOperator::Ping));
            }
        }
    }
}

/// A frame as a line of JSON.
pub(super) fn line(frame: &FromOperator) -> Bytes {
    let mut line = serde_json::to_vec(frame).unwrap_or_default();
    line.push(b'\n');
    line.into()
}
