//! Pages, and what goes wrong with them.

use std::time::Duration;

use serde_json::Value;

/// An answer to a request.
#[derive(Clone, Debug)]
pub struct Page {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
}

/// What follows the head.
#[derive(Clone, Debug)]
pub enum Body {
    Text(Vec<u8>),
    /// Nothing, for so long.
    Silence(Duration),
    /// The text again and again, without an end.
    Endless(String),
}

impl Page {
    pub fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), kind.to_owned())];
        Self { status, headers, body: Body::Text(body.into()) }
    }

    pub fn html(html: &str) -> Self {
        Self::new(200, "text/html; charset=utf-8", html)
    }

    pub fn json(status: u16, value: &Value) -> Self {
        Self::new(status, "application/json", value.to_string())
    }

    pub fn redirect(to: &str) -> Self {
        Self { headers: vec![("location".to_owned(), to.to_owned())], ..Self::new(302, "text/html", "") }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn body(self, body: Body) -> Self {
        Self { body, ..self }
    }
}
