//! MCP servers that are programs on this machine, under the terms of an object that says nothing but where a server is.

use std::collections::BTreeSet;
use std::sync::Arc;

use config::Hash;
use config::spec::McpServerSpec;
use tools::connected::{Pace, Presentation};
use tools::mcp::{Place, Program, Server};
use tools::policy::{Floor, Server as Terms};

use super::sight::{Observer, Sight};
use super::{Offered, limits};

/// A program may have to be fetched before it starts.
const LIST_MS: u64 = 60_000;

impl Offered {
    /// Offers a program under its label. Whether calls need approval is for the request and for policies to say.
    pub fn of_program(label: &str, program: Program) -> Self {
        let (spec, sight) = (McpServerSpec::plain("default", label), Arc::<Sight>::default());
        let mut server = Server::at(Place::Program(Arc::new(program)));
        server.limits = limits(&spec);
        server.timeouts.list = std::time::Duration::from_millis(LIST_MS);
        server.object = Some(id(label));
        server.witness = Some(Arc::new(Observer { sight: Arc::clone(&sight), by_caller: false }));
        let terms = Terms {
            id: Some(id(label)),
            label: label.to_owned(),
            trusted: false,
            allow: None,
            deny: BTreeSet::new(),
            approval: Floor::Never,
        };
        Self {
            terms: Arc::new(terms),
            presentation: Arc::new(Presentation::default()),
            server: Some(Arc::new(server)),
            pace: Arc::new(Pace::new(spec.limits.calls_per_second)),
            hash: Hash::of(label.as_bytes()),
            is_denied: false,
            sight,
            spec,
        }
    }
}

fn id(label: &str) -> String {
    format!("program/{label}")
}
