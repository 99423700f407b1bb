//! What a server says unasked: progress, and that its tools changed. What it asks for is declined.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use rmcp::ClientHandler;
#[expect(deprecated, reason = "older servers ask for roots")]
use rmcp::model::ListRootsResult;
use rmcp::model::{
    ClientCapabilities, ClientConfig, ErrorCode, ErrorData, Implementation, ProgressNotificationParam,
    ProgressToken, ProtocolVersion,
};
use rmcp::service::{NotificationContext, RequestContext, RoleClient};

use crate::mcp::server::{Progress, Sink};
use crate::text;

/// The longest message of progress.
const MESSAGE_BYTES: usize = 512;

type Sinks = Arc<Mutex<HashMap<ProgressToken, Sink>>>;

/// Hears what a server says unasked.
#[derive(Default)]
pub(super) struct Ear {
    sinks: Sinks,
    changes: AtomicUsize,
    offered: Option<ProtocolVersion>,
}

/// Listens for a call's progress until it is dropped.
pub(super) struct Listening {
    sinks: Sinks,
    token: ProgressToken,
}

impl Ear {
    /// `offered` is the version for a handshake by `initialize`, for which the newest is none.
    pub(super) fn new(offered: Option<ProtocolVersion>) -> Self {
        Self { offered, ..Self::default() }
    }

    pub(super) fn changes(&self) -> usize {
        self.changes.load(Ordering::SeqCst)
    }

    pub(super) fn listen(&self, token: ProgressToken, sink: Sink) -> Listening {
        self.sinks.lock().insert(token.clone(), sink);
        Listening { sinks: Arc::clone(&self.sinks), token }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.sinks.lock().remove(&self.token);
    }
}

impl ClientHandler for Ear {
    fn get_info(&self) -> ClientConfig {
        let name = Implementation::new("fairlead", env!("CARGO_PKG_VERSION"));
        let mut config = ClientConfig::new(ClientCapabilities::default(), name);
        if let Some(version) = &self.offered {
            config.protocol_version = version.clone();
        }
        config
    }

    async fn on_progress(&self, heard: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        let sink = self.sinks.lock().get(&heard.progress_token).cloned();
        let Some(sink) = sink else { return };
        let message = heard.message.map(|said| text::cut(text::cleaned(&said), MESSAGE_BYTES));
        sink(Progress { progress: heard.progress, total: heard.total, message });
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    #[expect(deprecated, reason = "older servers ask for roots")]
    async fn list_roots(&self, _: RequestContext<RoleClient>) -> Result<ListRootsResult, ErrorData> {
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "roots/list", None))
    }
}
