//! Tells the server to stop when nobody waits for its answer any more.

use futures_util::FutureExt;
use rmcp::model::{CancelledNotificationParam, RequestId};
use rmcp::{Peer, RoleClient};

/// Cancels a request at the server unless it is disarmed.
pub(super) struct Guard {
    peer: Peer<RoleClient>,
    id: Option<RequestId>,
}

impl Guard {
    pub(super) fn new(peer: Peer<RoleClient>, id: RequestId) -> Self {
        Self { peer, id: Some(id) }
    }

    pub(super) fn disarm(mut self) {
        self.id = None;
    }
}

impl Drop for Guard {
    /// The first poll puts the notification into the connection's queue, whose task sends it. A queue that is full, of a
    /// connection that does not move, loses it.
    fn drop(&mut self) {
        let Some(id) = self.id.take() else { return };
        let cancelled = CancelledNotificationParam::new(Some(id), Some("the caller left".to_owned()));
        let _ = tokio::task::unconstrained(self.peer.notify_cancelled(cancelled)).now_or_never();
    }
}
