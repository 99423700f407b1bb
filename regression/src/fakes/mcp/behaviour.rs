//! How a server behaves.

use std::time::Duration;

use super::act::Tool;

/// How a server behaves. A test may change it while the server runs.
#[derive(Clone, Debug)]
pub struct Behaviour {
    pub eras: Eras,
    pub replies: Replies,
    pub tools: Vec<Tool>,
    /// Tools on a page; 0 for all.
    pub page: usize,
    pub listing: Listing,
    pub ttl_ms: Option<u64>,
    pub scope: Option<&'static str>,
    pub access: Access,
    /// A refusal says what it wants.
    pub challenges: bool,
    pub issuer: Issuer,
    /// What goes wrong, by JSON-RPC method or `*`; the first that fits and has turns left.
    pub troubles: Vec<(String, Trouble, Turns)>,
}

/// How often a trouble occurs; `None` for always.
pub type Turns = Option<usize>;

/// What the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eras {
    /// 2026-07-28.
    pub modern: bool,
    /// 2025-11-25, with sessions.
    pub legacy: bool,
    /// 2024-11-05.
    pub sse: bool,
}

/// How requests over streamable HTTP are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replies {
    /// By JSON where one message is all there is.
    Json,
    /// By an event stream.
    Stream,
}

/// How tools are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// Page by page to the end.
    Plain,
    /// A new page for ever.
    Endless,
    /// The same cursor for ever.
    Repeating,
}

/// Who may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    Anyone,
    /// Who has one of these bearer tokens.
    Bearers(Vec<String>),
    /// Who has a token that the server's own issuer gave and that was not revoked.
    Issued,
}

/// How the token endpoint behaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issuer {
    pub expires_in: Option<u64>,
    pub refuses: bool,
}

/// What goes wrong with a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Trouble {
    /// No answer.
    Hang,
    /// An event stream of comments.
    Drip(Duration),
    /// An event stream that ends in mid-event.
    Cut,
    /// A body of so many bytes.
    Huge(usize),
    /// A redirect.
    Redirect(u16, String),
    /// A status, headers, and a body of this content type.
    Status(u16, Vec<(&'static str, String)>, &'static str, String),
    /// A JSON-RPC error.
    Error(i64, String),
    /// 200 and `{"result": {}}`.
    Empty,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            eras: Eras::BOTH,
            replies: Replies::Json,
            tools: Tool::usual(),
            page: 0,
            listing: Listing::Plain,
            ttl_ms: None,
            scope: None,
            access: Access::Anyone,
            challenges: true,
            issuer: Issuer::default(),
            troubles: Vec::new(),
        }
    }
}

impl Behaviour {
    /// Something goes wrong, for as many turns.
    pub fn with_trouble(mut self, method: &str, trouble: Trouble, turns: Turns) -> Self {
        self.troubles.push((method.to_owned(), trouble, turns));
        self
    }

    /// The trouble of this turn.
    pub(super) fn trouble(&mut self, method: &str) -> Option<Trouble> {
        let fits = |(name, _, turns): &&mut (String, Trouble, Turns)| {
            (name == method || name == "*") && *turns != Some(0)
        };
        let (_, trouble, turns) = self.troubles.iter_mut().find(fits)?;
        *turns = turns.map(|turns| turns - 1);
        Some(trouble.clone())
    }
}

impl Eras {
    pub const MODERN: Self = Self { modern: true, legacy: false, sse: false };
    pub const LEGACY: Self = Self { modern: false, legacy: true, sse: false };
    pub const BOTH: Self = Self { modern: true, legacy: true, sse: false };
    pub const SSE: Self = Self { modern: false, legacy: false, sse: true };
}

impl Trouble {
    /// A status with a text.
    pub fn status(code: u16) -> Self {
        Self::Status(code, Vec::new(), "text/plain", "no".to_owned())
    }

    /// A server error with a page for people.
    pub fn html() -> Self {
        Self::Status(500, Vec::new(), "text/html", "<html>secret-stack-trace</html>".to_owned())
    }
}
