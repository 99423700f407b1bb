//! What a session was told of the lists of MCP servers, so that it is told what is new alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use config::delivery::Catalog;
use config::{EntryId, Hash};

use super::PIECE_BYTES;
use crate::live::build::Runtime;
use crate::live::servers::Listing;

/// What one session was told. Another session is told everything again.
#[derive(Default)]
pub(super) struct Told {
    session: String,
    known: BTreeMap<EntryId, (Hash, Arc<Listing>)>,
}

impl Told {
    /// The lists that the session has not been told, in pieces of about half a megabyte; they count as told.
    pub(super) fn due(&mut self, session: &str, runtime: &Runtime) -> Vec<Vec<Catalog>> {
        if self.session != session {
            (self.session, self.known) = (session.to_owned(), BTreeMap::new());
        }
        let offered = runtime.offered();
        self.known.retain(|id, _| offered.contains_key(id));
        let mut pieces: Vec<Vec<Catalog>> = Vec::new();
        let mut room = 0_usize;
        for (id, server) in offered {
            let Some(listing) = server.listing() else { continue };
            let mark = (server.hash, Arc::clone(&listing));
            if self.known.get(id) == Some(&mark) {
                continue;
            }
            let catalog = server.catalog(id, &listing);
            self.known.insert(id.clone(), mark);
            let length = serde_json::to_vec(&catalog).map_or(0, |bytes| bytes.len());
            if pieces.is_empty() || length > room {
                pieces.push(Vec::new());
                room = PIECE_BYTES;
            }
            room = room.saturating_sub(length);
            if let Some(piece) = pieces.last_mut() {
                piece.push(catalog);
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use config::delivery::Mismatches;
    use config::spec::McpServerSpec;
    use config::{Entry, Snapshot, Spec};
    use crds::mcp_server::Pinning;

    use super::*;
    use crate::auth::issuer::Issuers;
    use crate::live::Reaches;
    use crate::live::build::Frame;
    use crate::settings::Flags;

    fn spec(url: &str) -> McpServerSpec {
        let mut spec = McpServerSpec::plain("a", "docs");
        (spec.url, spec.tools.pinning) = (Some(url.into()), Pinning::Audit);
        spec
    }

    fn frame() -> Frame {
        // Another test may have installed it.
        drop(rustls::crypto::ring::default_provider().install_default());
        let (reaches, issuers) = (Reaches::default(), Issuers::new(false));
        let servers = tools::mcp::Pool::default();
        Frame {
            reaches,
            flags: Flags::default(),
            issuers,
            servers,
            clients: Arc::default(),
            local: Arc::default(),
        }
    }

    fn runtime(spec: McpServerSpec, before: Option<&Runtime>, frame: &Frame) -> Runtime {
        let entry = Entry::new(EntryId::mcp_server("a", "docs"), 1, Spec::McpServer(Box::new(spec)));
        let entries = [(entry.id.clone(), Arc::new(entry))].into();
        let (runtime, rejected) =
            Runtime::build(&Snapshot::new(entries, BTreeMap::new(), None), before, frame);
        assert!(rejected.is_empty(), "{rejected:?}");
        runtime
    }

    /// A list without tools comes from the server.
    fn list(runtime: &Runtime) {
        let offered = runtime.offered().values().next().unwrap();
        let server = offered.server.as_ref().unwrap();
        server.witness.as_ref().unwrap().listed(&tools::mcp::Catalog::empty("v1"));
    }

    #[tokio::test]
    async fn a_list_is_told_once_a_session() {
        let (frame, mut told) = (frame(), Told::default());
        let runtime = runtime(spec("https://a.example/mcp"), None, &frame);
        assert!(told.due("s1", &runtime).is_empty(), "nothing was listed");
        list(&runtime);
        let due = told.due("s1", &runtime);
        assert_eq!((due.len(), due[0].len(), due[0][0].protocol.as_str()), (1, 1, "v1"));
        assert_eq!(due[0][0].mismatches, Mismatches::default());
        list(&runtime);
        assert!(told.due("s1", &runtime).is_empty(), "the same again");
        assert_eq!(told.due("s2", &runtime), due);
    }

    #[tokio::test]
    async fn what_was_listed_outlives_changes_that_concern_something_else() {
        let (frame, mut told) = (frame(), Told::default());
        let first = runtime(spec("https://a.example/mcp"), None, &frame);
        list(&first);
        let before = told.due("s1", &first);
        let mut pinned = spec("https://a.example/mcp");
        pinned.description = Some("Documents".into());
        let second = runtime(pinned, Some(&first), &frame);
        let after = told.due("s1", &second);
        assert_eq!(after[0][0].digest, before[0][0].digest);
        assert_ne!(after[0][0].hash, before[0][0].hash, "told for the content that runs");
        let elsewhere = runtime(spec("https://b.example/mcp"), Some(&second), &frame);
        assert!(told.due("s1", &elsewhere).is_empty(), "another server has listed nothing");
    }
}
