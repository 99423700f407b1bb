//! Shutdown: SIGTERM turns readiness off, waits until nothing is in flight, and no longer.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora::server::{ShutdownSignal, ShutdownSignalWatch};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// How many requests are being answered, and whether the process is to end.
#[derive(Clone)]
pub struct InFlight {
    count: Arc<watch::Sender<usize>>,
    draining: Arc<watch::Sender<bool>>,
    listening: CancellationToken,
    aborted: CancellationToken,
    /// Cancelled at the drain deadline: what still runs ends with a terminal event.
    pub deadline: CancellationToken,
}

/// Counts one request until it is dropped.
pub struct Guard(InFlight);

impl Default for InFlight {
    fn default() -> Self {
        let (count, draining) = (Arc::new(watch::Sender::new(0)), Arc::new(watch::Sender::new(false)));
        let token = CancellationToken::new;
        Self { count, draining, listening: token(), aborted: token(), deadline: token() }
    }
}

impl InFlight {
    /// Counts a request.
    pub fn enter(&self) -> Guard {
        self.count.send_modify(|count| *count += 1);
        Guard(self.clone())
    }

    /// True once the process has been asked to end.
    pub fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// The API port takes connections.
    pub fn set_listening(&self) {
        self.listening.cancel();
    }

    /// True from the first connection that the API port took, until the process is asked to end.
    pub fn is_ready(&self) -> bool {
        self.listening.is_cancelled() && !self.is_draining()
    }

    /// Ends the process without waiting: it could not start.
    pub fn abort(&self) {
        self.aborted.cancel();
    }

    /// Requests that are being answered.
    pub fn count(&self) -> usize {
        *self.count.borrow()
    }

    async fn idle(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.count.send_modify(|count| *count -= 1);
    }
}

/// Decides when the process ends.
///
/// The listeners go on accepting until `recv` returns, so readiness is turned off first.
pub struct Drain {
    pub in_flight: InFlight,
    /// How long to go on accepting after SIGTERM, until nobody sends new requests here.
    pub linger: Duration,
    /// How long streams may go on.
    pub deadline: Duration,
}

/// How long requests have to write their last event after the deadline.
const LAST_WORDS: Duration = Duration::from_secs(1);

#[async_trait]
impl ShutdownSignalWatch for Drain {
    async fn recv(&self) -> ShutdownSignal {
        let (Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            error!("Cannot watch for signals; only SIGKILL ends this process");
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => return ShutdownSignal::FastShutdown,
            () = self.in_flight.aborted.cancelled() => return ShutdownSignal::FastShutdown,
        }
        self.in_flight.draining.send_replace(true);
        info!(in_flight = self.in_flight.count(), "Draining");
        tokio::select! {
            () = self.drain() => {}
            _ = terminate.recv() => warn!("Second signal: ending at once"),
            _ = interrupt.recv() => warn!("Interrupted: ending at once"),
        }
        ShutdownSignal::FastShutdown
    }
}

impl Drain {
    async fn drain(&self) {
        tokio::time::sleep(self.linger).await;
        if tokio::time::timeout(self.deadline, self.in_flight.idle()).await.is_ok() {
            info!("Drained");
            return;
        }
        warn!(in_flight = self.in_flight.count(), "Drain deadline reached");
        self.in_flight.deadline.cancel();
        if tokio::time::timeout(LAST_WORDS, self.in_flight.idle()).await.is_err() {
            warn!(in_flight = self.in_flight.count(), "Requests cut off");
        }
    }
}
