//! What servers were found to speak, so that they are not asked again at each connection.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use url::{Position, Url};

use crate::mcp::failure::{Failure, Reason};
use crate::mcp::server::{Place, Protocol};
use crate::mcp::session::{Era, Session, Wire};

/// Callers can bring addresses of their own, so there is a limit.
const MOST: usize = 4096;

/// What servers speak, by origin and path.
#[derive(Debug, Default)]
pub(super) struct Eras(Mutex<BTreeMap<String, Era>>);

impl Eras {
    /// Connects in the way that is known to work, or finds one that does.
    ///
    /// Errors: there is none.
    pub(super) async fn open(&self, wire: &Wire) -> Result<Session, Failure> {
        let Some(url) = url(wire).filter(|_| wire.protocol == Protocol::Auto) else {
            return Session::open(wire).await;
        };
        if let Some(known) = self.known(url) {
            match Session::open(&Wire { protocol: known, ..wire.clone() }).await {
                Err(failure) if may_have_changed(&failure) => self.forget(wire),
                other => return other,
            }
        }
        let session = Session::open(wire).await?;
        self.learn(url, session.era());
        Ok(session)
    }

    pub(super) fn forget(&self, wire: &Wire) {
        url(wire).and_then(|url| self.0.lock().remove(place(url)));
    }

    fn known(&self, url: &Url) -> Option<Protocol> {
        self.0.lock().get(place(url)).map(|era| match era {
            Era::Modern => Protocol::Modern,
            Era::Legacy => Protocol::Legacy,
            Era::Sse => Protocol::Sse,
        })
    }

    fn learn(&self, url: &Url, era: Era) {
        let mut eras = self.0.lock();
        if eras.len() >= MOST {
            eras.clear();
        }
        eras.insert(place(url).to_owned(), era);
    }
}

fn url(wire: &Wire) -> Option<&Url> {
    match &wire.place {
        Place::Web(web) => Some(web.url.url()),
        Place::Program(_) => None,
    }
}

fn place(url: &Url) -> &str {
    &url[..Position::AfterPath]
}

/// True if the server may speak something else by now.
fn may_have_changed(failure: &Failure) -> bool {
    match failure {
        Failure::Protocol { .. } => true,
        Failure::Execution { .. } => false,
        Failure::Http { reason, .. } => {
            matches!(
                reason,
                Reason::Malformed | Reason::Version | Reason::Lost | Reason::Status(400 | 404 | 405)
            )
        }
    }
}
