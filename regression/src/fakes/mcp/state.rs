//! How the server behaves, what it was asked, and what is open.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::behaviour::{Access, Behaviour};
use crate::fakes::model::Recorded;

/// What happened on the server's sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that came.
    pub requests: usize,
    /// Answers that are under way.
    pub open: usize,
    /// Answers that the client did not wait for.
    pub aborted: usize,
    /// Sessions that are open.
    pub sessions: usize,
    /// Sessions that the client has ended.
    pub ended: usize,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) behaviour: Mutex<Behaviour>,
    requests: Mutex<Vec<Recorded>>,
    counts: watch::Sender<Counts>,
    names: Mutex<Names>,
    /// Where the answers of HTTP+SSE go, by session.
    outlets: Mutex<BTreeMap<String, mpsc::UnboundedSender<Value>>>,
    /// Calls over HTTP+SSE, whose answers belong to no request.
    pub(super) tasks: Mutex<JoinSet<()>>,
}

#[derive(Debug, Default)]
struct Names {
    minted: usize,
    sessions: Vec<String>,
    tokens: Vec<String>,
}

impl State {
    pub(super) fn new(behaviour: Behaviour) -> Self {
        Self {
            behaviour: Mutex::new(behaviour),
            requests: Mutex::default(),
            counts: watch::Sender::default(),
            names: Mutex::default(),
            outlets: Mutex::default(),
            tasks: Mutex::default(),
        }
    }

    pub(super) fn record(&self, request: Recorded) {
        self.requests.lock().push(request);
        self.count(|counts| counts.requests += 1);
    }

    pub(super) fn requests(&self) -> Vec<Recorded> {
        self.requests.lock().clone()
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Counts)) {
        self.counts.send_modify(change);
    }

    pub(super) fn counts(&self) -> watch::Receiver<Counts> {
        self.counts.subscribe()
    }

    /// A session that is new.
    pub(super) fn begin_session(&self) -> String {
        let session = self.mint("session");
        self.names.lock().sessions.push(session.clone());
        self.count(|counts| counts.sessions += 1);
        session
    }

    pub(super) fn has_session(&self, session: &str) -> bool {
        self.names.lock().sessions.iter().any(|known| known == session)
    }

    /// True if there was one.
    pub(super) fn end_session(&self, session: &str) -> bool {
        let mut names = self.names.lock();
        let before = names.sessions.len();
        names.sessions.retain(|known| known != session);
        let ended = names.sessions.len() < before;
        drop(names);
        if ended {
            self.count(|counts| {
                counts.sessions -= 1;
                counts.ended += 1;
            });
        }
        ended
    }

    /// As if the server had been started anew.
    pub(super) fn forget_sessions(&self) {
        self.names.lock().sessions.clear();
        self.count(|counts| counts.sessions = 0);
        self.outlets.lock().clear();
    }

    pub(super) fn issue(&self) -> String {
        let token = self.mint("token");
        self.names.lock().tokens.push(token.clone());
        token
    }

    pub(super) fn revoke(&self) {
        self.names.lock().tokens.clear();
    }

    pub(super) fn admits(&self, bearer: Option<&str>) -> bool {
        match (&self.behaviour.lock().access, bearer) {
            (Access::Anyone, _) => true,
            (Access::Bearers(known), Some(bearer)) => known.iter().any(|token| token == bearer),
            (Access::Issued, Some(bearer)) => self.names.lock().tokens.iter().any(|token| token == bearer),
            (Access::Bearers(_) | Access::Issued, None) => false,
        }
    }

    pub(super) fn open_outlet(&self) -> (String, mpsc::UnboundedReceiver<Value>) {
        let session = self.begin_session();
        let (sender, receiver) = mpsc::unbounded_channel();
        self.outlets.lock().insert(session.clone(), sender);
        (session, receiver)
    }

    pub(super) fn outlet(&self, session: &str) -> Option<mpsc::UnboundedSender<Value>> {
        self.outlets.lock().get(session).cloned()
    }

    pub(super) fn close_outlet(&self, session: &str) {
        self.outlets.lock().remove(session);
        self.end_session(session);
    }

    fn mint(&self, kind: &str) -> String {
        let mut names = self.names.lock();
        names.minted += 1;
        format!("{kind}-{}", names.minted)
    }
}
