//! How TLS connections to a server are checked.

use serde::{Deserialize, Serialize};

/// How TLS connections to a server are checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// Whose certificates are trusted.
    pub authorities: Authorities,
    /// The name that the certificate has to be for. Absent: the host of the URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
}

/// Whose certificates are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Authorities {
    /// Those of the system.
    #[default]
    System,
    /// These alone: certificates as PEM, one at least.
    Bundle(String),
    /// Nobody: a bundle is asked for and cannot be had, so that no connection can be made.
    Missing,
}

impl Tls {
    /// Tells whether the system decides.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
