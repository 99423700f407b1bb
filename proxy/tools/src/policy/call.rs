//! One call of a tool, as policies see it.

use std::collections::BTreeSet;

use protocol::Object;
use serde_json::Value;

use super::settings::{Floor, ToolKind};

/// One call of a tool. Not printable: headers carry credentials.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// What is called.
    pub tool: Tool<'a>,
    /// The arguments; null where the model wrote no JSON.
    pub arguments: &'a Value,
    /// The headers of the request, names in lower case. Those that carry credentials are kept from expressions.
    pub headers: &'a [(String, String)],
    /// Whether content that nobody vouches for is in context: from the web, from files, from open-world tools.
    pub untrusted: bool,
    /// Whether the request itself wants a person to approve it.
    pub asked: bool,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Caller {
    /// The tenant.
    pub tenant: String,
    /// By which credential.
    pub identity: Identity,
}

/// By which credential somebody asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Identity {
    /// None.
    Anonymous,
    /// A client key.
    Key {
        /// Names it among all keys.
        id: String,
        /// Its name, for expressions and audit lines.
        name: String,
    },
    /// A token of an issuer.
    Token {
        /// The name of the issuer at the gateway.
        issuer: String,
        /// The claim `sub`.
        subject: String,
        /// All claims.
        claims: Object,
    },
    /// The token of a ServiceAccount.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// A tool.
#[derive(Clone, Copy, Debug)]
pub struct Tool<'a> {
    /// Its type.
    pub kind: ToolKind,
    /// Its name at its server; of a built-in tool, its type as requests write it.
    pub name: &'a str,
    /// Its server, if it has one.
    pub server: Option<&'a Server>,
    /// What is said of it.
    pub hints: Hints,
}

/// The server of a tool, and its terms.
#[derive(Clone, Debug)]
pub struct Server {
    /// Names it among all servers; absent where the request brought it.
    pub id: Option<String>,
    /// Its label.
    pub label: String,
    /// Whether what it says of its tools is believed.
    pub trusted: bool,
    /// Patterns of the tools that are offered; absent = all.
    pub allow: Option<BTreeSet<String>>,
    /// Patterns of the tools that are not, whatever `allow` says.
    pub deny: BTreeSet<String>,
    /// When calls need approval, at least.
    pub approval: Floor,
}

/// What a tool is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// It changes nothing.
    pub read_only: Option<bool>,
    /// It may destroy something.
    pub destructive: Option<bool>,
    /// Calling it again changes nothing more.
    pub idempotent: Option<bool>,
    /// It reaches out to what nobody vouches for.
    pub open_world: Option<bool>,
}

impl Tool<'_> {
    /// What is believed of the tool: of a server that is not trusted the worst.
    pub(super) fn believed(&self) -> Hints {
        match self.server {
            Some(server) if !server.trusted => Hints::default().completed(),
            Some(_) | None => self.hints.completed(),
        }
    }

    pub(super) fn label(&self) -> Option<&str> {
        self.server.map(|server| server.label.as_str())
    }
}

impl Hints {
    /// Puts the worst in place of what is not said, as the MCP specification does: what changes nothing destroys nothing.
    fn completed(self) -> Self {
        let changes = self.read_only != Some(true);
        Self {
            read_only: self.read_only.or(Some(false)),
            destructive: self.destructive.or(Some(changes)),
            idempotent: self.idempotent.or(Some(false)),
            open_world: self.open_world.or(Some(true)),
        }
    }

    /// Tells whether these are as `wanted` says, as far as it says anything.
    pub(super) fn are(&self, wanted: &Self) -> bool {
        let fits = |found: Option<bool>, wanted: Option<bool>| wanted.is_none() || found == wanted;
        fits(self.read_only, wanted.read_only)
            && fits(self.destructive, wanted.destructive)
            && fits(self.idempotent, wanted.idempotent)
            && fits(self.open_world, wanted.open_world)
    }
}

impl Identity {
    /// Its kind, for expressions.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Anonymous => "Anonymous",
            Self::Key { .. } => "APIKey",
            Self::Token { .. } => "JWT",
            Self::ServiceAccount { .. } => "ServiceAccount",
        }
    }

    /// Its name, for expressions and audit lines; never a credential.
    pub fn name(&self) -> String {
        match self {
            Self::Anonymous => String::new(),
            Self::Key { name, .. } => name.clone(),
            Self::Token { issuer, subject, .. } => format!("{issuer}:{subject}"),
            Self::ServiceAccount { namespace, name } => format!("serviceaccount:{namespace}/{name}"),
        }
    }
}
